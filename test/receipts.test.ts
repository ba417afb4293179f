/** Receipts in SQL: every call is there, under its statement and at its price, whoever made it. */
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, type RvbbitError } from '../src/index.ts';
import { startSimulator } from '../src/testing.ts';
import { makeFolder, removeFolder, rvbbit } from './cli/spawn.ts';
import { cases } from './support/cases.ts';

const price = { inputPerMtok: 1_000, outputPerMtok: 3_000 };
const folder = makeFolder({
  'ask.yaml': 'cells: [{ name: say, instructions: "Say {{ input.v }}" }]\n',
  'whole.yaml':
    'cells: [{ name: sum, instructions: "Sum up {{ input.row_count }} of {{ input.data_table }}" }]\n',
});
const stateDir = join(folder, 'state');
const simulator = await startSimulator({
  prices: { '*': price },
  rules: [
    { when: { contains: 'Say 13' }, status: 400 },
    { when: { contains: '<criterion>' }, answer: { answer: true } },
    { answer: 'said' },
  ],
});
const open = () =>
  Engine.open({
    cascades: folder,
    stateDir,
    threads: 2,
    providers: {
      sim: { baseUrl: simulator.url, prices: { m: price }, responseFormat: 'json_schema' },
    },
    model: 'sim/m',
  });
test.after(async () => {
  await simulator.close();
  removeFolder(folder);
});

const one = async (engine: Engine, sql: string) => (await engine.query(sql)).rows[0]!;

test("the seeds' diagnostic query shows which calls overlap", async () => {
  await using engine = await open();
  await engine.query("SELECT i FROM range(4) r(i) WHERE 'text ' || i MEANS 'x'");
  const { rows } = await engine.query(`-- Check unified_logs for timing
SELECT
    session_id,
    cascade_id,
    timestamp,
    duration_ms,
    model
FROM rvbbit.unified_logs
WHERE session_id LIKE '%semantic_means%'
ORDER BY timestamp
LIMIT 20;`);
  assert.is(rows.length, 4);
  for (const { session_id, cascade_id, duration_ms, model } of rows) {
    assert.match(String(session_id), /^udf-semantic_means-\w+-\w+-[0-9a-f]+-\d{3}$/);
    assert.equal([cascade_id, model, Number(duration_ms) >= 0], ['means', 'm', true]);
  }
  assert.is(new Set(rows.map(({ session_id }) => session_id)).size, 4);
});

test('calls of many statements at once, nested ones too, add up to what the server was paid', async () => {
  await using engine = await open();
  const before = simulator.ledger().totals;
  const count = cases(24, 64);
  const results = await Promise.all(
    Array.from({ length: count }, async (_, at) => {
      await using session = await engine.session();
      const using = `SELECT i + ${100 * at} AS v FROM range(3) r(i)`;
      const map = `RVBBIT MAP PARALLEL 2 'ask.yaml' AS said USING (${using}) WITH (label = 'l${at % 2}')`;
      const sql = [
        map,
        `SELECT v FROM (${map}) m WHERE v::VARCHAR MEANS 'number ${at}'`,
        `SELECT * FROM (RVBBIT RUN 'whole.yaml' USING (FROM (${map})) WITH (as_table = 't${at}'))`,
      ][at % 3]!;
      return await session.query(sql);
    }),
  );
  const { calls, costMicroUsd } = simulator.ledger().totals;
  const callers = results.map(({ summary }) => summary.callerId);
  const list = callers.map((name) => `'${name}'`).join(', ');
  const total = await one(
    engine,
    `SELECT count(*)::INTEGER AS calls, round(sum(cost) * 1e6)::INTEGER AS micro FROM rvbbit.unified_logs WHERE caller_id IN (${list})`,
  );
  assert.is(total['calls'], calls - before.calls);
  assert.is(
    total['micro'],
    results.reduce((sum, { summary }) => sum + (summary.costMicroUsd ?? 0), 0),
  );
  assert.is(total['micro'], costMicroUsd - before.costMicroUsd);
  const { rows } = await engine.query(
    `SELECT s.caller_id, s.calls::INTEGER AS calls, count(u.caller_id)::INTEGER AS logged, round(s.cost * 1e6)::INTEGER AS cost,
round(sum(u.cost) * 1e6)::INTEGER AS paid FROM rvbbit.statements s LEFT JOIN rvbbit.unified_logs u USING (caller_id)
WHERE caller_id IN (${list}) GROUP BY ALL`,
  );
  assert.is(rows.length, count);
  for (const { calls: counted, logged, cost, paid } of rows)
    assert.equal([counted, cost], [logged, paid]);
});

test('failures, stored answers and runs are told apart', async () => {
  await using engine = await open();
  const map = "RVBBIT MAP 'ask.yaml' USING (SELECT unnest([12, 13]) AS v)";
  const { summary } = await engine.query(map);
  const again = await engine.query(map);
  const call = await one(
    engine,
    `SELECT status, error, cost_status FROM rvbbit.unified_logs WHERE caller_id = '${summary.callerId}' AND status <> 'ok'`,
  );
  assert.equal([call['status'], call['error']], ['failed', 'RVB_MODEL_HTTP']);
  const statement = await one(
    engine,
    `SELECT status, rows_ok::INTEGER AS ok, rows_failed::INTEGER AS failed, cache_hits::INTEGER AS hits, saved > 0 AS saved
FROM rvbbit.statements WHERE caller_id = '${again.summary.callerId}'`,
  );
  assert.equal(statement, { status: 'complete', ok: 1, failed: 1, hits: 1, saved: true });
  const runs = await one(
    engine,
    `SELECT sum(runs)::INTEGER AS runs FROM rvbbit.runs WHERE caller_id = '${summary.callerId}'`,
  );
  assert.is(runs['runs'], 2);
  const cached = () =>
    one(
      engine,
      "SELECT count(*)::INTEGER AS n, any_value(model) AS model FROM rvbbit.cache WHERE answer = 'said'",
    );
  assert.ok(Number((await cached())['n']) > 0);
  assert.is((await rvbbit(['cache', 'clear', '--yes', '--state-dir', stateDir])).code, 0);
  assert.is((await cached())['n'], 0);
});

test('rvbbit cost adds up, by what is asked', async () => {
  const by = async (...args: string[]) => {
    const { code, stdout, stderr } = await rvbbit([
      'cost',
      '--state-dir',
      stateDir,
      '--format',
      'json',
      ...args,
    ]);
    assert.is(code, 0, stderr);
    return JSON.parse(stdout) as Record<string, number | string | null>[];
  };
  const [models] = await by();
  assert.equal([models!['model'], Number(models!['cost_usd']) > 0], ['sim/m', true]);
  const sums: number[][] = [];
  for (const key of ['statement', 'label']) {
    const rows = await by('--by', key);
    const sum = (column: string) =>
      rows.reduce((total, row) => total + Number(row[column] ?? 0), 0);
    sums.push([sum('calls'), Math.round(sum('cost_usd') * 1e6), sum('cache_hits')]);
  }
  assert.is(new Set(sums.map(String)).size, 1, JSON.stringify(sums));
  assert.is((await rvbbit(['cost', '--by', 'colour', '--state-dir', stateDir])).code, 2);
});

test('every column is documented; a transaction and a compaction change nothing', async () => {
  await using engine = await open();
  const count = async () =>
    (await one(engine, 'SELECT count(*)::INTEGER AS n FROM rvbbit.unified_logs'))['n'];
  const before = await count();
  const { rows } = await engine.query(
    "SELECT column_name FROM duckdb_columns() WHERE database_name = 'rvbbit' AND table_name <> 'records' AND comment IS NULL",
  );
  assert.equal(rows, []);
  await engine.query('BEGIN');
  await engine.query('CREATE TABLE written AS SELECT 1 AS i');
  assert.is(await count(), before);
  await engine.query('COMMIT');
  await engine.close();
  const compacted = await rvbbit([
    'journal',
    'compact',
    '--older-than',
    '0s',
    '--state-dir',
    stateDir,
  ]);
  assert.is(compacted.code, 0, compacted.stderr);
  await using later = await open();
  assert.is(
    (await one(later, 'SELECT count(*)::INTEGER AS n FROM rvbbit.unified_logs'))['n'],
    before,
  );
});

test('a place that has no receipts says so; a catalogue of the name is left alone', async () => {
  await using engine = await Engine.open({ threads: 1 });
  const { message } = (await engine
    .query('FROM rvbbit.unified_logs')
    .catch((error: RvbbitError) => error)) as RvbbitError;
  assert.match(message, 'read from the journal, and this engine keeps none');
  // A mention is none.
  assert.equal((await engine.query("SELECT 'rvbbit.cache' AS x -- rvbbit.runs")).rowCount, 1);
  await engine.query('CREATE SCHEMA rvbbit');
  await engine.query('CREATE TABLE rvbbit.runs AS SELECT 7 AS i');
  assert.equal((await engine.query('FROM rvbbit.runs')).rows, [{ i: 7 }]);
});

test('receipts are read in every part of a statement, from any folder, and with little memory', async () => {
  const odd = makeFolder({
    'ask.yaml': 'cells: [{ name: say, instructions: "Say {{ input.v }}" }]\n',
  });
  await using engine = await Engine.open({
    cascades: odd,
    stateDir: join(odd, "br[a]ck's *", 'line=3'),
    threads: 1,
    // Half of a character in a message and in a text.
    model: async () => {
      throw new Error('bad \ud83d \\ud83d');
    },
  });
  const map = (using: string) => `RVBBIT MAP 'ask.yaml' AS said USING (${using})`;
  await engine.query(map("SELECT 'x' AS v"));
  await engine.query("SET memory_limit = '300MB'");
  const calls = await one(
    engine,
    'SELECT count(*)::INTEGER AS n, any_value(status) AS status FROM rvbbit.unified_logs',
  );
  assert.equal(calls, { n: 1, status: 'failed' });
  const nested = await engine.query(
    `SELECT v FROM (${map('SELECT model AS v FROM rvbbit.unified_logs')})`,
  );
  assert.is(nested.rowCount, 1);
  assert.ok((await engine.explain(map('SELECT sql AS v FROM rvbbit.statements'))).rows! >= 2);
  await engine.close();
  removeFolder(odd);
});

test.run();
