/** EXPLAIN's report: its figures, its forms, what ANALYZE puts beside it, and what it learns from. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { EXPECTED_CALL_MS, EXPECTED_TRUE_SHARE } from '../../src/explain/explain-limits.ts';
import { Engine, type EngineOptions, type ExplainReport } from '../../src/index.ts';
import { CALL_OUTPUT_TOKENS, RATE_WINDOW_MS } from '../../src/limits.ts';
import type { SimulatorOptions } from '../../src/sim/script.ts';
import { startSimulator } from '../../src/testing.ts';

const cascades = fileURLToPath(new URL('../../../test/fixtures/explain', import.meta.url));
const PRICE = { inputPerMtok: 150, outputPerMtok: 600 };
/** Time of one call of the server. */
const CALL_MS = 40;

const server: SimulatorOptions = {
  latency: { kind: 'constant', ms: CALL_MS },
  rules: [
    { when: { contains: '<rare>', matches: 'item \\d*7 ' }, answer: 'true' },
    { answer: 'false' },
  ],
};

const simulator = await startSimulator(server);
test.before.each(() => simulator.reset());

async function open(options: EngineOptions = {}, provider: object = {}): Promise<Engine> {
  const engine = await Engine.open({
    cascades,
    threads: 1,
    providers: { sim: { baseUrl: simulator.url, prices: { m: PRICE }, ...provider } },
    model: 'sim/m',
    ...options,
  });
  await engine.query(
    "CREATE TABLE items AS SELECT i AS id, 'item ' || i || ' of the list' AS d FROM range(40) r(i)",
  );
  return engine;
}

/** For the tests that ask nothing: none of them has earlier calls to go by. */
const engine = await open();
test.after(async () => {
  await engine.close();
  await simulator.close();
});

const map = (rows: number, more = '') =>
  `RVBBIT MAP PARALLEL 4 'one.yaml' AS brand USING (SELECT d AS name FROM items WHERE id < ${rows}) ${more}`;

async function lines(engine: Engine, sql: string): Promise<string[]> {
  const { rows, columns } = await engine.query(sql);
  assert.equal(columns, [{ name: 'explain', type: 'VARCHAR' }]);
  return rows.map(({ explain }) => String(explain));
}

test("strategy = 'auto' chooses n where PARALLEL is not written, and names the runner-up", async () => {
  await using engine = await open({}, { limits: { rpm: 6_000 } });
  const auto = (parallel: string) =>
    `RVBBIT MAP ${parallel} 'one.yaml' AS brand USING (SELECT d AS name FROM items) WITH (strategy = 'auto')`;
  const before = await engine.explain(auto(''));
  const busy = Math.ceil((6_000 * EXPECTED_CALL_MS) / 60_000);
  assert.is(before.parallel, 3 * busy);
  assert.match(before.reason, `(assumed, since none has been made) keep ${busy} busy`);
  assert.match(before.reason, `the runner-up, n = ${busy}, would take`);
  assert.is((await engine.explain(auto('PARALLEL 4'))).parallel, 4);
  assert.is(
    (await engine.explain(map(4).replace('PARALLEL 4 ', ''))).parallel,
    1,
    'unless written',
  );

  const { rows } = await engine.query(auto(''));
  assert.is(rows.length, 40);
  const { parallel, reason } = await engine.explain(auto(''));
  // What a call took is measured, and n follows from it.
  const [, callMs, kept] = /of (\d+) ms each keep (\d+) busy/.exec(reason)!.map(Number);
  assert.ok(callMs! >= 40 && Math.abs(kept! - callMs! / 10) <= 1, reason);
  assert.is(parallel, Math.max(10, 3 * kept!));
  assert.not.match(reason, 'assumed');
});

test('figures without history are those of the cap and the defaults, and say so', async () => {
  await using engine = await open({}, { limits: { rpm: 5, inFlight: 2 } });
  const report = await engine.explain(map(12));
  const tokensIn = 'brand of [item 1 of the list]?'.length;
  assert.equal(report.tokensIn.least, report.tokensIn.most);
  assert.ok(report.tokensIn.expected >= (12 * tokensIn) / 4);
  // one.yaml says max_tokens: 20.
  assert.is(report.tokensOut.expected, 12 * Math.min(20, CALL_OUTPUT_TOKENS));
  const { low, expected, high, status } = report.cost;
  assert.is(status, 'priced');
  // An answer may be short, and is never longer than its cap.
  assert.equal([report.tokensOut.least, report.tokensOut.most], [0, 240]);
  assert.ok(Math.abs(low! - report.tokensIn.expected * 150) <= 12);
  assert.is(high, expected);
  assert.ok(Math.abs(expected! - (report.tokensIn.expected * 150 + 240 * 600)) <= 12);
  // 12 calls of a second each, two in flight, are done before the third window of 5 begins.
  assert.is(report.seconds.expected, Math.max(6 * EXPECTED_CALL_MS, 2 * RATE_WINDOW_MS) / 1000);
  assert.equal(report.guards, { rpm: 5, inFlight: 2 });
  assert.match(report.notes.join('\n'), 'one.yaml: ask are defaults');
  const free = await open({}, { prices: {} });
  const { cost, seconds } = await free.explain(map(12));
  assert.equal([cost.status, cost.expected], ['uncosted', null]);
  assert.is(seconds.expected, (12 / 4) * (EXPECTED_CALL_MS / 1000));
  await free.close();
});

test('figures are those of earlier calls of the cell, in this process or in the journal', async () => {
  const stateDir = await mkdtemp(join(tmpdir(), 'rvb-explain-'));
  try {
    const first = await open({ stateDir });
    await first.query(map(8));
    const check = (report: ExplainReport) => {
      const [cell] = report.cells;
      assert.equal([cell!.basis, cell!.basisCalls], ['cell', 8]);
      assert.ok(cell!.meanMs >= CALL_MS, `${cell!.meanMs} ms`);
      // The answer is `false`: two tokens.
      assert.equal([report.calls.expected, report.cached.expected], [12, 8]);
      assert.equal([report.tokensOut.expected, report.tokensOut.most], [24, 12 * 20]);
      assert.equal(report.notes, []);
    };
    check(await first.explain(map(20)));
    await first.close();
    await using later = await open({ stateDir });
    check(await later.explain(map(20)));
    const other = await later.explain(
      "RVBBIT MAP 'votes.yaml' USING (SELECT d AS name FROM items)",
    );
    assert.is(other.cells[0]?.basis, 'model');
  } finally {
    await rm(stateDir, { recursive: true });
  }
});

test('text, tree and JSON tell the same', async () => {
  const report = await engine.explain(map(12));
  const text = await lines(engine, `EXPLAIN ${map(12)}`);
  assert.is(text[0], 'MAP one.yaml');
  assert.ok(text.includes('  calls            12'), text.join('\n'));
  const tree = await lines(engine, `EXPLAIN (FORMAT TREE) ${map(12)}`);
  assert.match(
    tree.join('\n'),
    /└─ Run\n {3}│ {2}12 runs, 4 at a time[\s\S]*sim\/m: 12 calls, 0 cached/,
  );
  const [json, ...rest] = await lines(engine, `EXPLAIN (FORMAT JSON) ${map(12)}`);
  assert.equal(rest, []);
  const read = JSON.parse(json!) as ExplainReport;
  assert.equal(Object.keys(read), Object.keys(report));
  assert.equal({ ...read, sql: 0, tree: 0 }, { ...report, sql: 0, tree: 0 });
});

test('EXPLAIN ANALYZE runs the statement and puts what came beside what was predicted', async () => {
  await using engine = await open();
  await engine.query(map(4));
  for (const [sql, resultRows] of [
    [map(10), 10],
    ["RVBBIT RUN 'summary.yaml' USING (FROM items)", 1],
    ["SELECT id FROM items WHERE d MEANS 'rare'", 4],
  ] as const) {
    const { rows, summary, rowCount } = await engine.query(`EXPLAIN ANALYZE (FORMAT JSON) ${sql}`);
    assert.is(rowCount, 1);
    const { actual, calls, cached } = JSON.parse(String(rows[0]!['explain'])) as ExplainReport;
    assert.ok(summary.calls.sent > 0, sql);
    assert.equal(
      [actual!.resultRows, actual!.calls, actual!.cached, actual!.tokensIn, actual!.costMicroUsd],
      [
        resultRows,
        summary.calls.sent,
        summary.calls.cacheHits,
        summary.tokens.in,
        summary.costMicroUsd,
      ],
    );
    assert.equal([calls.expected, cached.expected], [actual!.calls, actual!.cached], sql);
    assert.equal([actual!.errorPercent.calls, actual!.errorPercent.cached], [0, 0]);
    const error = (100 * (summary.durationMs - actual!.seconds * 1000)) / summary.durationMs;
    assert.ok(error > -5, `${actual!.seconds} s of ${summary.durationMs} ms`);
  }
  const inBrackets = "EXPLAIN (ANALYZE, FORMAT JSON) SELECT (id) FROM items WHERE d MEANS 'rare'";
  const { actual } = JSON.parse((await lines(engine, inBrackets))[0]!) as ExplainReport;
  assert.equal([actual?.calls, actual?.cached], [0, 40]);
  const text = (await lines(engine, `EXPLAIN ANALYZE ${map(10)}`)).join('\n');
  assert.match(text, /predicted +actual +error\n/);
  assert.match(text, /cached +10 +10 +0 %/);
  const tree = (await lines(engine, `EXPLAIN ANALYZE (FORMAT TREE) ${map(10)}`)).join('\n');
  assert.match(tree, 'cached: 10, predicted 10 (0 %)');
});

test('EXPLAIN ANALYZE writes what the statement writes, EXPLAIN nothing', async () => {
  await using engine = await open();
  const count = async (table: string) =>
    Number((await engine.query(`SELECT count(*) AS n FROM ${table}`)).rows[0]!['n']);
  const hasTable = async () =>
    (await engine.query("FROM duckdb_tables() WHERE table_name = 'made'")).rowCount > 0;
  await engine.query(`EXPLAIN CREATE TABLE made AS ${map(5)}`);
  assert.is(await hasTable(), false);
  await engine.query(`EXPLAIN ANALYZE CREATE TABLE made AS ${map(5)}`);
  assert.is(await count('made'), 5);
  const change = "DELETE FROM items WHERE d MEANS 'rare'";
  const planned = await engine.explain(change);
  assert.is(await count('items'), 40);
  const { actual } = await engine.explain(`EXPLAIN ANALYZE ${change}`);
  assert.is(await count('items'), 36);
  assert.equal([planned.calls.expected, actual!.calls, actual!.resultRows], [40, 40, 4]);
  await engine.query(`EXPLAIN INSERT INTO made ${map(5)}`);
  assert.is(await count('made'), 5);
  await engine.query(`EXPLAIN ANALYZE INSERT INTO made ${map(5)}`);
  assert.is(await count('made'), 10);
});

test('says what would refuse the statement or end it early, and runs into none of it', async () => {
  const where = "SELECT id FROM items WHERE d MEANS 'rare'";
  assert.match((await engine.explain(`-- @ max_calls: 39\n${where}`)).refusal!, 'max_calls 39');
  assert.is((await engine.explain(`-- @ max_calls: 40\n${where}`)).refusal, null);
  const pairs = 'SELECT 1 FROM items a JOIN items b ON a.d MEANS b.d';
  assert.match((await engine.explain(`-- @ max_pairs: 1599\n${pairs}`)).refusal!, '1600 pairs');
  assert.match((await engine.explain(map(9, 'WITH (max_calls = 8)'))).refusal!, 'max_calls = 8');
  assert.is((await engine.explain(map(9, 'WITH (max_calls = 9)'))).refusal, null);
  assert.is(simulator.ledger().totals.calls, 0);
});

test('a range says why: an answer decides, a transaction, texts that do not fit', async () => {
  const two = await engine.explain("RVBBIT MAP 'two.yaml' USING (SELECT d AS name FROM items)");
  assert.equal(two.calls, { least: 40, expected: 80, most: 80 });
  assert.equal(two.cached, { least: 0, expected: 0, most: 40 });
  assert.match(two.notes[0]!, 'depends on an answer that is not known yet');
  const both = "SELECT id FROM items WHERE d MEANS 'rare' AND d IMPLIES 'common'";
  const { calls, notes } = await engine.explain(both);
  assert.equal([calls.least, calls.most], [41, 80]);
  assert.match(
    notes.join('\n'),
    `MEANS 'rare': ${EXPECTED_TRUE_SHARE * 100} % are taken to be TRUE, by default`,
  );
  // The first few rows may meet both conditions, or the first condition alone holds in every row, and so on.
  for (const [where, least, most] of [
    ["d NOT MEANS 'rare' AND d IMPLIES 'common' LIMIT 3", 6, 80],
    ["d MEANS 'rare' AND d IMPLIES 'common' LIMIT 3", 6, 80],
    ["(d EXTRACTS 'day') IS NOT NULL LIMIT 3", 3, 40],
    ["(d EXTRACTS 'day') = 'Monday' LIMIT 3", 3, 40],
    ["CASE WHEN d EXTRACTS 'day' = 'Monday' THEN d MEANS 'rare' END", 41, 80],
  ] as const) {
    const { calls } = await engine.explain(`-- @ parallel: 1\nSELECT id FROM items WHERE ${where}`);
    assert.ok(calls.least <= least && calls.most! >= most, `${where}: ${JSON.stringify(calls)}`);
  }
  const dates = await engine.explain("SELECT (d EXTRACTS 'day')::DATE FROM items");
  assert.equal(dates.calls, { least: 40, expected: 40, most: 40 });
  assert.match(dates.notes[0]!, 'count as NULL');
  await engine.query('BEGIN');
  const inside = await engine.explain(`${both} AND length(d) > 0`);
  assert.equal([inside.calls.least, inside.calls.most], [40, null]);
  assert.match(inside.reason, 'it stands in a transaction');
  await engine.query('COMMIT');
  const merge = await engine.explain(
    "MERGE INTO items USING (SELECT 1 AS n) s ON s.n = items.id WHEN MATCHED AND items.d MEANS 'rare' THEN DELETE",
  );
  assert.equal(merge.calls, { least: 0, expected: 0, most: null });
  assert.is(simulator.ledger().totals.calls, 0);
  await assertRefused(engine, 'SELECT 1', 'RVB_UNSUPPORTED');
  await assertRefused(engine, "SELECT none FROM items WHERE d MEANS 'rare'", 'RVB_SQL');
});

async function assertRefused(engine: Engine, sql: string, code: string): Promise<void> {
  const thrown = await engine.explain(sql).then(
    () => undefined,
    (error: { readonly code?: string }) => error.code,
  );
  assert.is(thrown, code, sql);
}

test.run();
