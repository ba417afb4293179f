/** The arguments of the seeds' functions. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { RvbbitError } from '../../src/errors.ts';
import { readSeedCall, type SeedFunction } from '../../src/operators/seed-call.ts';
import type { Json } from '../../src/util/json.ts';

function refused(name: SeedFunction, args: readonly Json[], message: RegExp): void {
  assert.throws(
    () => readSeedCall(name, args),
    (error: RvbbitError) => {
      assert.is(error.code, 'RVB_TYPE_MISMATCH');
      assert.match(error.message, message);
      assert.ok(error.message.includes(`: ${name}(cascade VARCHAR, `), error.message);
      return true;
    },
  );
}

test('rvbbit_run takes a cascade and an object', () => {
  assert.equal(readSeedCall('rvbbit_run', ['x.yaml', '{"a": 1}']), {
    kind: 'run',
    cascade: 'x.yaml',
    input: { a: 1 },
  });
  refused('rvbbit_run', ['x.yaml'], /got 1 arguments and not 2/);
  refused('rvbbit_run', [5, '{}'], /got 5 as the cascade/);
  refused('rvbbit_run', ['x.yaml', '[1]'], /got \[1\] as the input, which is an object/);
  refused('rvbbit_run', ['x.yaml', '{a}'], /got "\{a\}", which is not JSON/);
});

test('rvbbit_map_parallel takes a list of objects and a number of runs at a time', () => {
  assert.equal(readSeedCall('rvbbit_map_parallel', ['x.yaml', '[{"a": 1}, {}]', 5]), {
    kind: 'map',
    cascade: 'x.yaml',
    rows: [{ a: 1 }, {}],
    parallel: 5,
  });
  assert.equal(readSeedCall('rvbbit_map_parallel', ['x.yaml', '[]', 1])?.kind, 'map');
  refused('rvbbit_map_parallel', ['x.yaml', '{}', 5], /got \{\} as the rows, which are a list/);
  refused('rvbbit_map_parallel', ['x.yaml', '[{}, 7]', 5], /got 7 as row 2, which is an object/);
  for (const n of [0, -1, 1.5, 5_000, '5']) {
    refused('rvbbit_map_parallel', ['x.yaml', '[]', n], /as n, which is 1 to 4096/);
  }
});

test('rvbbit_run_batch finds the columns of its rows, each with a type that holds all', () => {
  const rows = [
    { id: 1, price: 2, name: 'a', ok: true, odd: 1, nothing: null, list: [1] },
    { id: 2, price: 2.5, name: null, ok: false, odd: 'x', late: 'y' },
  ];
  const call = readSeedCall('rvbbit_run_batch', ['x.yaml', JSON.stringify(rows), 'batch']);
  assert.equal(call, {
    kind: 'batch',
    cascade: 'x.yaml',
    rows,
    columns: [
      { name: 'id', type: 'BIGINT' },
      { name: 'price', type: 'DOUBLE' },
      { name: 'name', type: 'VARCHAR' },
      { name: 'ok', type: 'BOOLEAN' },
      { name: 'odd', type: 'JSON' },
      { name: 'nothing', type: 'VARCHAR' },
      { name: 'list', type: 'JSON' },
      { name: 'late', type: 'VARCHAR' },
    ],
    table: 'batch',
  });
  refused('rvbbit_run_batch', ['x.yaml', '[]', 'batch'], /rows without a column/);
  refused('rvbbit_run_batch', ['x.yaml', '[{"a": 1}]', ' '], /got " " as the name of the table/);
});

test('NULL in gives NULL, without a run', () => {
  assert.is(readSeedCall('rvbbit_run', [null, '{}']), undefined);
  assert.is(readSeedCall('rvbbit_run', ['x.yaml', null]), undefined);
  assert.is(readSeedCall('rvbbit_run_batch', ['x.yaml', '[]', null]), undefined);
});

test('a number that would be rounded in silence is refused, and one in a text is not', () => {
  refused(
    'rvbbit_run',
    ['x.yaml', '{"id": 9007199254740993}'],
    /got 9007199254740993, which a JSON number cannot hold/,
  );
  assert.ok(
    readSeedCall('rvbbit_run', ['x.yaml', '{"id": "9007199254740993", "n": 9007199254740991}']),
  );
  assert.ok(readSeedCall('rvbbit_run', ['x.yaml', '{"id": "\\"9007199254740993"}']));
  refused(
    'rvbbit_run',
    ['x.yaml', '{"id": "\\\\", "n": 9007199254740993}'],
    /got 9007199254740993/,
  );
});

test('a number with a fraction or an exponent is a DOUBLE, whatever its digits', () => {
  const rows = '[{"sum": 0.30000000000000004, "large": 1e300, "long": 12345678901234567.5}]';
  const call = readSeedCall('rvbbit_run_batch', ['x.yaml', rows, 'batch']);
  assert.equal(call?.kind === 'batch' && call.columns, [
    { name: 'sum', type: 'DOUBLE' },
    { name: 'large', type: 'DOUBLE' },
    { name: 'long', type: 'DOUBLE' },
  ]);
});

test('a text of many millions of characters is read', () => {
  const text = `${'\\n'.repeat(5_000_000)}${'x'.repeat(20_000_000)}`;
  const call = readSeedCall('rvbbit_run', ['x.yaml', `{"text": "${text}", "id": 1}`]);
  assert.is(call?.kind === 'run' && call.input['id'], 1);
  refused('rvbbit_run', ['x.yaml', `{"text": "${text}", "id": 9007199254740993}`], /got 9007/);
});

test.run();
