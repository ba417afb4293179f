/** Questions that are asked ahead: the same ones as the functions look up, and no table of theirs stays. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine } from '../../src/index.ts';
import { makeRoot, operatorFile } from '../operators/support.ts';

/** Types of an operator's argument, and columns that it takes. */
const TYPES = [
  ['TIMESTAMP', "DATE '2024-05-01' + i::INT"],
  ['TIMESTAMP WITH TIME ZONE', "TIMESTAMPTZ '2024-05-01 10:00:00+00' + to_days(i::INT)"],
  ['DECIMAL(10,2)', 'i::INT'],
  ['FLOAT', 'i::TINYINT'],
  ['HUGEINT', 'i'],
  ['BIGINT', 'i::INT'],
  ['DOUBLE', 'i::DECIMAL(8,2)'],
  ['JSON', "{'a': i}::JSON"],
  ['UUID', "('00000000-0000-0000-0000-0000000000' || (10 + i))::UUID"],
] as const;

test('asks about arguments as the function is given them, whatever their type', async () => {
  const asks = '[{ name: a, instructions: "{{ input.value }} {{ input.criterion }}" }]';
  const files = TYPES.map(([type], index) => {
    const file = operatorFile({
      name: `FITS_${index}`,
      args: `[{ name: value, type: "${type}" }, { name: criterion, type: VARCHAR }]`,
      operators: `["{value} FITS_${index} {criterion}"]`,
    });
    return [`${index}.yaml`, file.replace(/(?<=cells: ).*/, asks)];
  });
  let asked = 0;
  await using engine = await Engine.open({
    cascades: makeRoot(Object.fromEntries(files)),
    threads: 1,
    model: async () => {
      asked += 1;
      return { text: 'true', finishReason: 'stop' };
    },
  });
  for (const [index, [type, column]] of TYPES.entries()) {
    const fits = `v FITS_${index}`;
    await engine.query(
      `CREATE OR REPLACE TABLE t AS SELECT i AS id, ${column} AS v FROM range(20) r(i)`,
    );
    const forms = [
      [`${fits} 'x'`, false],
      [`(${fits} 'x' OR ${fits} 'y') LIMIT 2`, true],
      [`${fits} 'x' LIMIT 2`, true],
      [`${fits} 'x' OR ${fits} 'y'`, false],
    ] as const;
    // How a question is asked ahead does not hang on the type: the first types are asked in every form.
    for (const [where, isStopped] of index < 2 ? forms : forms.slice(0, 2)) {
      asked = 0;
      await engine.query(`-- @ cache: false\n-- @ parallel: 2\nSELECT id FROM t WHERE ${where}`);
      assert.ok(isStopped ? asked <= 4 : asked === 20, `${type}: ${asked} calls for ${where}`);
    }
  }
});

test('leaves no table behind, whenever the statement is cancelled', async () => {
  await using engine = await Engine.open({
    threads: 1,
    model: async () => ({ text: '{"answer": true}', finishReason: 'stop' }),
  });
  await engine.query(
    "CREATE TABLE wide AS SELECT 'text ' || i % 9 AS d, i AS id FROM range(100000) r(i)",
  );
  const left = "SELECT count(*)::INT AS n FROM duckdb_tables() WHERE table_name LIKE 'rvb_stage%'";
  const sql = "SELECT count(*) FROM wide WHERE length(md5(d || id)) = 32 AND d MEANS 'x'";
  const started = performance.now();
  await engine.query(sql);
  const wholeMs = performance.now() - started;
  let cancelled = 0;
  for (let part = 0.1; part < 1; part += 0.12) {
    const stop = AbortSignal.timeout(Math.round(wholeMs * part));
    const ended = await engine.query(sql, undefined, { signal: stop }).catch(() => undefined);
    if (ended === undefined) cancelled += 1;
    assert.is((await engine.query(left)).rows[0]!['n'], 0, `at ${part}`);
  }
  assert.ok(cancelled > 0);
});

test.run();
