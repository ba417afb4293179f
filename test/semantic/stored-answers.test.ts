/** Stored answers cost no call, and what needs no model is answered without one; answers that may differ are asked anew. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine } from '../../src/index.ts';
import { startSimulator } from '../../src/testing.ts';
import { errorOf } from '../model/engine-support.ts';

const cascades = fileURLToPath(new URL('../../../test/fixtures/semantic-model', import.meta.url));
const server = { rules: [{ when: { matches: '7\\]' }, answer: 'true' }, { answer: 'false' }] };

/** An operator whose answers may differ from time to time. */
const MOOD = `
cascade_id: mood
inputs_schema: { type: object, required: [text], properties: { text: { type: string }, id: { type: integer } } }
cells:
  - name: ask
    instructions: "Mood of {{ input.text }}, for {{ input.id | default('all') }}?"
sql_function:
  name: MOOD
  returns: VARCHAR
  deterministic: false
  args: [{ name: text, type: VARCHAR }, { name: id, type: INTEGER, optional: true }]
`;

test('counts no stored answer against max_calls', async () => {
  await using simulator = await startSimulator(server);
  await using engine = await Engine.open({
    cascades,
    threads: 1,
    providers: { sim: { baseUrl: simulator.url, responseFormat: 'json_schema' } },
    model: 'sim/test-model',
  });
  await engine.query("CREATE TABLE t AS SELECT i AS id, 'item ' || i AS a FROM range(200) r(i)");
  const sent = () => simulator.ledger().totals.calls;
  const limited = (where: string, maxCalls: number) =>
    engine.query(`-- @ max_calls: ${maxCalls}\nSELECT id FROM t WHERE ${where}`);
  const first = await limited("a MEANS 'x' AND id < 180", 180);
  assert.is(sent(), 180);
  const again = await limited("a MEANS 'x' AND id < 180", 1);
  assert.equal(again.rows, first.rows);
  const refused = await errorOf(limited("a MEANS 'x'", 19));
  assert.is(refused.code, 'RVB_LIMIT');
  assert.match(refused.message, /would make 20 model calls, and max_calls is 19;.*max_calls: 20$/);
  assert.is(sent(), 180);
  assert.is((await limited("a MEANS 'x'", 20)).rowCount, 20);
  assert.is(sent(), 200);
  // A second condition has the whole of what the first one did not take.
  assert.is((await limited("a MEANS 'x' AND a IMPLIES 'y'", 28)).rowCount, 20);
  assert.is(sent() <= 228, true);
  const stopped = await limited("a IMPLIES 'z' LIMIT 2", 30);
  assert.is(stopped.rowCount, 2);
  // So does a LIMIT that looks at more rows than may be asked.
  assert.is((await limited("a MEANS 'x' LIMIT 12", 1)).rowCount, 12);
  const rerun = `SELECT id, a MEANS 'x' FROM t GROUP BY ALL`;
  assert.is((await engine.query(`-- @ max_calls: 1\n${rerun}`)).rowCount, 200);
  const unstored = await errorOf(engine.query(`-- @ max_calls: 1\n-- @ cache: refresh\n${rerun}`));
  assert.is(unstored.code, 'RVB_LIMIT');
});

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
test('asks anew in each statement, once for equal arguments; each row in a MAP, or where an argument tells rows apart', async () => {
  const cascades = mkdtempSync(join(tmpdir(), 'rvb-anew-'));
  mkdirSync(join(cascades, 'operators'));
  writeFileSync(join(cascades, 'operators', 'mood.yaml'), MOOD);
  await using server = await startSimulator({ rules: [{ answer: 'fine' }] });
  const engine = await Engine.open({
    cascades,
    threads: 1,
    providers: { sim: { baseUrl: server.url } },
    model: 'sim/any',
  });
  try {
    await engine.query(
      "CREATE TABLE t AS SELECT i AS id, 'text ' || i % 2 AS d FROM range(6) r(i)",
    );
    let before = 0;
    const asked = async (sql: string) => {
      const { rowCount } = await engine.query(sql);
      assert.is(rowCount, 6, sql);
      const { calls } = server.ledger().totals;
      const made = calls - before;
      before = calls;
      return made;
    };
    for (const [sql, calls] of [
      ['SELECT mood(d) FROM t', 2],
      ['SELECT mood(d) FROM t', 2],
      ["SELECT mood(d) FROM t WHERE mood(d) = 'fine' ORDER BY mood(d)", 2],
      ['SELECT mood(d, id::INTEGER) FROM t', 6],
      ["RVBBIT MAP 'operators/mood.yaml' USING (SELECT d AS text FROM t)", 6],
      ["RVBBIT MAP 'operators/mood.yaml' USING (SELECT d AS text FROM t)", 6],
    ] as const) {
      assert.is(await asked(sql), calls, sql);
    }
  } finally {
    await engine.close();
    rmSync(cascades, { recursive: true });
  }
});

test.run();
