import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { memorySession, rejection } from './support.ts';

test('parameters bind by position and by name and keep their values', async () => {
  await using session = await memorySession();
  const values = [
    null,
    true,
    'a\0é',
    1,
    -0,
    1.5,
    2 ** 40,
    2n ** 63n - 1n,
    2n ** 100n,
    new Date(5),
    Uint8Array.of(0, 255),
    ['a', null],
    [1, 2],
    [2n, 3, null],
    [2n ** 100n, -1n],
    [2n ** 130n],
    [new Date(5), null],
    [Uint8Array.of(0, 255)],
    [{ a: new Date(5), b: undefined }, [undefined]],
  ];
  const reader = await session.run(
    `SELECT ${values.map((_, i) => `$${i + 1} AS v${i}`).join(', ')}`,
    { parameters: values },
  );
  const [row] = await reader.rows('js');
  assert.equal(Object.values(row!), [
    null,
    true,
    'a\0é',
    1,
    -0,
    1.5,
    2n ** 40n,
    2n ** 63n - 1n,
    2n ** 100n,
    new Date(5),
    Uint8Array.of(0, 255),
    ['a', null],
    [1n, 2n],
    [2n, 3n, null],
    [2n ** 100n, -1n],
    [2n ** 130n],
    [new Date(5), null],
    [Uint8Array.of(0, 255)],
    '[{"a":"1970-01-01T00:00:00.005Z"},[null]]',
  ]);
  const named = await session.run('SELECT $b AS b, $a AS a', {
    parameters: { a: 1, b: 'x', unused: 2 },
  });
  assert.equal(await named.rows('js'), [{ b: 'x', a: 1 }]);
  assert.match(
    (await rejection(session.run('SELECT $a', { parameters: { b: 1 } }))).message,
    /\$a has no value/,
  );
  assert.match(
    (await rejection(session.runBound('SELECT $1', [1, 2]))).message,
    /1 parameters but 2 values/,
  );
});

test('a parameter that neither DuckDB nor JSON can hold is refused with its place', async () => {
  await using session = await memorySession();
  const circle: Record<string, unknown> = {};
  circle['self'] = circle;
  let deep: unknown = 1;
  for (let depth = 0; depth <= 1_000; depth += 1) deep = [deep];
  const refused: readonly (readonly [unknown, string])[] = [
    [() => 1, 'is a function, which cannot be bound'],
    [new Date(Number.NaN), 'is or holds an invalid Date'],
    [[new Date(Number.NaN)], 'is or holds an invalid Date'],
    [{ a: new Date(Number.NaN) }, 'holds an invalid Date'],
    [new Map([[1, 2]]), 'holds a Map, which is no plain object'],
    [{ a: [new Set()] }, 'holds a Set, which is no plain object'],
    [{ a: Uint8Array.of(1) }, 'holds a Uint8Array, which is no plain object'],
    [new URL('http://h'), 'holds a URL, which is no plain object'],
    [[{ a: 1n }], 'holds a bigint, which JSON does not have'],
    [{ a: Number.NaN }, 'holds NaN, which JSON does not have'],
    [[() => 1], 'holds a function, which JSON does not have'],
    [{ a: Symbol('x') }, 'holds a symbol, which JSON does not have'],
    [circle, 'holds itself'],
    [deep, 'is nested deeper than 1000'],
  ];
  for (const [value, problem] of refused) {
    const ofSecond = await rejection(session.run('SELECT $1, $2', { parameters: [1, value] }));
    assert.equal([ofSecond.code, ofSecond.message], ['RVB_SQL', `parameter $2 ${problem}`]);
    const named = await rejection(session.run('SELECT $a', { parameters: { a: value } }));
    assert.is(named.message, `parameter $a ${problem}`);
  }
});

test('a zoned column compares with a Date as the instant that it is', async () => {
  await using session = await memorySession();
  await session.run(
    "SET TimeZone = 'America/New_York'; CREATE TABLE t AS SELECT '2024-01-01 12:00:00+00'::TIMESTAMPTZ AS instant",
  );
  const reader = await session.run('SELECT count(*) AS n FROM t WHERE instant = $1', {
    parameters: [new Date('2024-01-01T12:00:00Z')],
  });
  assert.equal(await reader.rows('json'), [{ n: 1 }]);
  const among = await session.run('SELECT count(*) AS n FROM t WHERE list_contains($1, instant)', {
    parameters: [[new Date('2024-01-01T12:00:00Z')]],
  });
  assert.equal(await among.rows('json'), [{ n: 1 }]);
});

test.run();
