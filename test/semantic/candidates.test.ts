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
  for (const [type, column] of TYPES) {
    const file = operatorFile({
      name: 'GRAND',
      args: `[{ name: value, type: "${type}" }, { name: criterion, type: VARCHAR }]`,
      operators: '["{value} GRAND {criterion}"]',
    });
    const asks = '[{ name: a, instructions: "{{ input.value }} {{ input.criterion }}" }]';
    const cascades = makeRoot({ 'grand.yaml': file.replace(/(?<=cells: ).*/, asks) });
    const asked: string[] = [];
    await using engine = await Engine.open({
      cascades,
      threads: 1,
      model: async ({ messages }) => {
        asked.push(messages.at(-1)!.content);
        return { text: 'true', finishReason: 'stop' };
      },
    });
    await engine.query(`CREATE TABLE t AS SELECT i AS id, ${column} AS v FROM range(20) r(i)`);
    for (const [where, most] of [
      ["v GRAND 'x'", 20],
      ["v GRAND 'x' OR v GRAND 'y'", 20],
      ["v GRAND 'x' LIMIT 2", 4],
      ["(v GRAND 'x' OR v GRAND 'y') LIMIT 2", 4],
    ] as const) {
      await engine.query(`-- @ cache: false\n-- @ parallel: 2\nSELECT id FROM t WHERE ${where}`);
      const calls = asked.splice(0).length;
      assert.ok(where.includes('LIMIT') ? calls <= most : calls === most, `${type}: ${where}`);
    }
  }
});

test('leaves no table behind, whenever the statement is cancelled', async () => {
  await using engine = await Engine.open({
    threads: 1,
    model: async () => ({ text: '{"answer": true}', finishReason: 'stop' }),
  });
  await engine.query(
    "CREATE TABLE wide AS SELECT 'text ' || i % 9 AS d, i AS id FROM range(400000) r(i)",
  );
  const left = "SELECT count(*)::INT AS n FROM duckdb_tables() WHERE table_name LIKE 'rvb_stage%'";
  const sql = "SELECT count(*) FROM wide WHERE length(md5(d || id)) = 32 AND d MEANS 'x'";
  const started = performance.now();
  await engine.query(sql);
  const wholeMs = performance.now() - started;
  let cancelled = 0;
  for (let part = 0.05; part < 1; part += 0.05) {
    const stop = AbortSignal.timeout(Math.round(wholeMs * part));
    const ended = await engine.query(sql, undefined, { signal: stop }).catch(() => undefined);
    if (ended === undefined) cancelled += 1;
    assert.is((await engine.query(left)).rows[0]!['n'], 0, `at ${part}`);
  }
  assert.ok(cancelled > 0);
});

test.run();
