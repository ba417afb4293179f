/** Cells with for_each_row: a cascade for each row of a query, within the one run of a RUN. */
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, type RvbbitError } from '../../src/index.ts';
import { makeFolder, removeFolder } from '../cli/spawn.ts';

const EACH = (cascade: string, more = '') => `
  - name: scored
    for_each_row:
      query: SELECT * FROM {{ input.data_table }} ORDER BY v
      cascade: ${cascade}
      as: score
${more}`;
const cascades = makeFolder({
  'twice.yaml':
    'cells: [{ name: a, tool: js, inputs: { code: "if (input.v === 3) throw new Error(\'three\'); return input.v * 2" } }]\n',
  'slow.yaml':
    'cells: [{ name: a, tool: js, inputs: { code: "await new Promise((go) => setTimeout(go, 60)); return input.v" } }]\n',
  'ask.yaml': 'cells: [{ name: a, instructions: "Say {{ input.v }}" }]\n',
  'score.yaml': `cells:${EACH('twice.yaml')}
  - name: total
    tool: sql_data
    inputs: { query: "SELECT sum(score::INTEGER)::INTEGER AS n FROM _scored" }
output: "{'total': outputs.total.rows[0].n, 'failed': outputs.scored.failed, 'rows': outputs.scored.row_count}"
`,
  'named.yaml': `cells:${EACH('twice.yaml', '    materialize: scores\n')}`,
  'asks.yaml': `cells:${EACH('ask.yaml')}`,
  'slow-each.yaml': `cells:${EACH('slow.yaml')}`,
  'hurried.yaml': `cells:${EACH('slow.yaml', '    timeout: 200ms\n')}`,
  'within.yaml': 'cells: [{ name: n, tool: score.yaml }]\n',
  'doubled.yaml': `cells:${EACH('score.yaml')}`,
  'taken.yaml':
    'cells: [{ name: s, for_each_row: { query: "FROM {{ input.data_table }}", cascade: twice.yaml, as: v } }]\n',
  'both.yaml':
    'cells: [{ name: s, tool: twice.yaml, for_each_row: { query: "SELECT 1", cascade: twice.yaml } }]\n',
});
let asked = 0;
let inFlight = 0;
let most = 0;
const engine = await Engine.open({
  cascades,
  stateDir: join(cascades, 'state'),
  threads: 2,
  model: async ({ messages }) => {
    asked += 1;
    inFlight += 1;
    most = Math.max(most, inFlight);
    await new Promise((resolve) => setTimeout(resolve, 20));
    inFlight -= 1;
    const text = String(messages.at(-1)!.content);
    if (text === 'Say 4') throw new Error('no answer');
    return { text: text.replace('Say', 'said'), finishReason: 'stop' };
  },
});
test.after(async () => {
  await engine.close();
  removeFolder(cascades);
});
test.before.each(() => {
  asked = 0;
  most = 0;
});

const run = async (cascade: string, rows: number, more = '') => {
  const result = await engine.query(
    `RVBBIT RUN '${cascade}' USING (SELECT i AS v FROM range(${rows}) r(i)) ${more}`,
  );
  return { ...result, report: JSON.parse(String(result.rows[0]!['result'])) };
};
const errorOf = (promise: Promise<unknown>) =>
  promise.then(
    () => assert.unreachable() as never,
    (error: RvbbitError) => error,
  );

test('the rows stand in a table, in order, those that failed with NULL and on record', async () => {
  const { report, summary } = await run('score.yaml', 6);
  assert.is(report.status, 'success', JSON.stringify(report.error));
  assert.equal(report.outputs.scored, {
    table: '_scored',
    row_count: 6,
    columns: ['v', 'score'],
    failed: 1,
  });
  assert.equal(report.outputs.total.rows, [{ n: 24 }]);
  assert.equal(report.tables, ['_scored']);
  const { rows } = await engine.query('SELECT v::INTEGER AS v, score FROM _scored');
  assert.equal(
    rows.map(({ v, score }) => [v, score]),
    [0, 1, 2, 3, 4, 5].map((v) => [v, v === 3 ? null : String(v * 2)]),
  );
  assert.is(summary.rows.failed, 1);
  assert.match(summary.failures[0]!.message, 'three');
  const again = await run('named.yaml', 2);
  assert.equal(again.report.tables, ['scores']);
  assert.is((await run('within.yaml', 2)).report.outputs.n.total, 2, 'also in a nested cascade');
});

test('as many rows run at a time as parallel says, and the budget is the statement’s', async () => {
  const { report, summary } = await run('asks.yaml', 12, 'WITH (parallel = 5)');
  assert.equal([report.status, asked, most], ['success', 12, 5]);
  const receipts = await engine.query(
    `SELECT status, count(*)::INTEGER AS n FROM rvbbit.unified_logs WHERE caller_id = '${summary.callerId}' GROUP BY ALL ORDER BY n`,
  );
  assert.equal(
    receipts.rows.map(({ n }) => n),
    [1, 11],
  );
  assert.equal(report.outputs.scored.failed, 1);
  await run('asks.yaml', 12);
  assert.is(asked, 13, 'only the one that failed is asked again');
  const annotated = await engine.query(
    "-- @ parallel: 3\nRVBBIT RUN 'asks.yaml' USING (SELECT i + 100 AS v FROM range(9) r(i))",
  );
  assert.is(annotated.summary.calls.sent, 9);
  const few = await run('asks.yaml', 20, 'WITH (max_calls = 4, cache = false)');
  assert.equal([few.report.status, few.summary.calls.sent], ['incomplete', 4]);
  assert.is(few.report.error.code, 'RVB_BUDGET');
  const stopped = await run('asks.yaml', 6, "WITH (on_error = 'fail', cache = false)").catch(
    (error: RvbbitError) => error,
  );
  assert.match((stopped as RvbbitError).message, /row 5: .*no answer/s);
});

test('rows have time limits of their own; a timeout of the cell ends them all', async () => {
  const { report } = await run('slow-each.yaml', 10, "WITH (timeout = '200ms', parallel = 2)");
  assert.equal([report.status, report.outputs.scored.failed], ['success', 0]);
  const late = await run('hurried.yaml', 20);
  assert.is(late.report.status, 'failed');
  assert.match(late.report.error.message, /took longer than its 200 ms/);
  const { rows } = await engine.query(
    "SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'rvb%'",
  );
  assert.equal(rows, [], 'nothing of it is left');
});

test('an abort ends the rows within a second', async () => {
  const controller = new AbortController();
  const sql = "RVBBIT RUN 'slow-each.yaml' USING (SELECT i AS v FROM range(500) r(i))";
  const running = errorOf(engine.query(sql, undefined, { signal: controller.signal }));
  await new Promise((resolve) => setTimeout(resolve, 200));
  const startedMs = performance.now();
  controller.abort();
  assert.is((await running).code, 'RVB_CANCELLED');
  assert.ok(performance.now() - startedMs < 1_000);
});

test('EXPLAIN expects a call a row, and says that it does not know', async () => {
  const { calls, cost, notes, parallel } = await engine.explain(
    "RVBBIT RUN 'asks.yaml' USING (SELECT i + 1000 AS v FROM range(12) r(i)) WITH (parallel = 4)",
  );
  assert.equal(calls, { least: 0, expected: 12, most: null });
  assert.equal([cost.high, parallel], [null, 4]);
  assert.match(notes.join('\n'), /asks\.yaml: a are made for each row of a for_each_row query/);
  assert.is(asked, 0);
});

test('what cannot be run is refused before the first row', async () => {
  const rows = 'USING (SELECT 1 AS v)';
  for (const [sql, code, message] of [
    [`RVBBIT MAP 'score.yaml' ${rows}`, 'RVB_UNSUPPORTED', /cell scored has for_each_row/],
    [`RVBBIT RUN 'doubled.yaml' ${rows}`, 'RVB_UNSUPPORTED', /score\.yaml: cell scored/],
    [`RVBBIT RUN 'twice.yaml' ${rows} WITH (parallel = 2)`, 'RVB_UNSUPPORTED', /it runs once/],
    [`RVBBIT RUN 'both.yaml' ${rows}`, 'RVB_CASCADE_INVALID', /exactly one of/],
    ["SELECT rvbbit_run('score.yaml', '{\"v\": 1}')", 'RVB_UNSUPPORTED', /for_each_row/],
  ] as const) {
    const error = await errorOf(engine.query(sql));
    assert.equal([error.code, message.test(error.message)], [code, true], error.message);
  }
  const { report } = await run('taken.yaml', 2);
  assert.match(report.error.message, /has the name of the query's column "v"/);
  const batch = await engine.query(
    "SELECT rvbbit_run_batch('named.yaml', '[{\"v\": 1}]', 'b') AS r",
  );
  assert.is(JSON.parse(String(batch.rows[0]!['r'])).outputs.scored.row_count, 1);
});

test.run();
