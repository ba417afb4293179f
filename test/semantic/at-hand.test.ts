/** Answers at hand cost no call, and what needs no model is answered without one. */
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine } from '../../src/index.ts';
import { errorOf, withModel } from '../model/engine-support.ts';

const cascades = fileURLToPath(new URL('../../../test/fixtures/semantic-model', import.meta.url));
const server = { rules: [{ when: { matches: '7\\]' }, answer: 'true' }, { answer: 'false' }] };

test('counts no answer at hand against max_calls', () =>
  withModel({ engine: { cascades }, server }, async (engine, simulator) => {
    await engine.query("CREATE TABLE t AS SELECT i AS id, 'item ' || i AS a FROM range(1000) r(i)");
    const sent = async () => (await simulator.ledger()).totals.calls;
    const limited = (where: string, maxCalls: number) =>
      engine.query(`-- @ max_calls: ${maxCalls}\nSELECT id FROM t WHERE ${where}`);
    const first = await limited("a MEANS 'x' AND id < 900", 900);
    assert.is(await sent(), 900);
    const again = await limited("a MEANS 'x' AND id < 900", 1);
    assert.equal(again.rows, first.rows);
    const refused = await errorOf(limited("a MEANS 'x'", 99));
    assert.is(refused.code, 'RVB_LIMIT');
    assert.match(
      refused.message,
      /would make 100 model calls, and max_calls is 99;.*max_calls: 100$/,
    );
    assert.is(await sent(), 900);
    assert.is((await limited("a MEANS 'x'", 100)).rowCount, 100);
    assert.is(await sent(), 1000);
    // A second condition has the whole of what the first one did not take.
    assert.is((await limited("a MEANS 'x' AND a IMPLIES 'y'", 125)).rowCount, 100);
    assert.is((await sent()) <= 1125, true);
    const stopped = await limited("a IMPLIES 'z' LIMIT 2", 30);
    assert.is(stopped.rowCount, 2);
    // So does a LIMIT that looks at more rows than may be asked.
    assert.is((await limited("a MEANS 'x' LIMIT 60", 1)).rowCount, 60);
    const rerun = `SELECT id, a MEANS 'x' FROM t GROUP BY ALL`;
    assert.is((await engine.query(`-- @ max_calls: 1\n${rerun}`)).rowCount, 1000);
    const unstored = await errorOf(
      engine.query(`-- @ max_calls: 1\n-- @ cache: refresh\n${rerun}`),
    );
    assert.is(unstored.code, 'RVB_LIMIT');
  }));

test('needs no model where nothing is asked', async () => {
  const engine = await Engine.open({ cascades, threads: 1 });
  try {
    await engine.query(
      "CREATE TABLE t AS SELECT i AS id, 'x' || i AS a, NULL::VARCHAR AS z FROM range(10) r(i)",
    );
    for (const [sql, rowCount] of [
      ["SELECT * FROM t WHERE false AND a MEANS 'x'", 0],
      ["SELECT * FROM (FROM t LIMIT 0) WHERE a MEANS 'x'", 0],
      ["SELECT z MEANS 'x' FROM t", 10],
      ['SELECT * FROM t WHERE (a MEANS NULL) IS NULL', 10],
      ["SELECT * FROM t WHERE id > 100 AND a MEANS 'x' AND a IMPLIES 'y'", 0],
      ["SELECT * FROM t WHERE a MEANS 'x' LIMIT 0", 0],
      ["SELECT CASE WHEN id >= 0 THEN 1 ELSE (a MEANS 'x')::INT END FROM t", 10],
    ] as const) {
      assert.is((await engine.query(sql)).rowCount, rowCount, sql);
    }
    await engine.query("DELETE FROM t WHERE id > 100 AND a MEANS 'x'");
    for (const sql of ["SELECT * FROM t WHERE a MEANS 'x'", "DELETE FROM t WHERE a MEANS 'x'"]) {
      assert.is((await errorOf(engine.query(sql))).code, 'RVB_NO_MODEL');
    }
  } finally {
    await engine.close();
  }
});

test('asks a model only for what a plain rule leaves open', async () => {
  const engine = await Engine.open({ threads: 1 });
  try {
    await engine.query("CREATE TABLE t AS SELECT unnest(['Acme Inc.', 'acme, inc', NULL]) AS a");
    const same = "SELECT a FROM t WHERE a SAME_AS 'ACME INC'";
    assert.is((await engine.query(same)).rowCount, 2);
    await engine.query("INSERT INTO t VALUES ('Bolt')");
    assert.is((await errorOf(engine.query(same))).code, 'RVB_NO_MODEL');
  } finally {
    await engine.close();
  }
});

test.run();
