/** MAPs and RUNs in brackets: what holds for the statement around them, and what comes of it when they end early. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, type RvbbitError } from '../../src/index.ts';
import { makeFolder, removeFolder } from '../cli/spawn.ts';

const cascades = makeFolder({
  'twice.yaml': 'cells: [{ name: a, tool: js, inputs: { code: "return input.v * 2" } }]\n',
  'one.yaml': 'cells: [{ name: a, tool: js, inputs: { code: "return 1" } }]\n',
  'count.yaml':
    'cells: [{ name: a, instructions: "Count {{ input.data_table }} {{ input.row_count }}" }]\n',
  'ask.yaml': 'cells: [{ name: a, instructions: "Say {{ input.v }}" }]\n',
  'deaf.yaml': 'cells: [{ name: a, instructions: "Deaf {{ input.v }}" }]\n',
});
let asked = 0;
const engine = await Engine.open({
  cascades,
  threads: 1,
  model: async ({ messages }) => {
    asked += 1;
    const text = String(messages.at(-1)!.content);
    if (text.startsWith('Deaf')) throw new Error('no answer');
    return { text: text.startsWith('Say') ? 'said' : '{"answer":true}', finishReason: 'stop' };
  },
});
await engine.query('CREATE TABLE t AS SELECT i AS v FROM range(6) r(i)');
test.after(async () => {
  await engine.close();
  removeFolder(cascades);
});
test.before.each(() => {
  asked = 0;
});

const twice = (using = 'FROM t') => `(RVBBIT MAP 'twice.yaml' AS d USING (${using}))`;
const ask = (from: number, more = '') =>
  `(RVBBIT MAP 'ask.yaml' AS said USING (SELECT v + ${from} AS v FROM t) ${more})`;
const errorOf = (promise: Promise<unknown>) =>
  promise.then(
    () => assert.unreachable() as never,
    (error: RvbbitError) => error,
  );
const stages = async () =>
  (await engine.query("FROM duckdb_tables() SELECT table_name WHERE table_name LIKE 'rvb%'")).rows;

test('parameters go to the part that they stand in', async () => {
  const rows = async (sql: string, parameters: unknown[] | Record<string, unknown>) =>
    (await engine.query(sql, parameters)).rows.map((row) => Object.values(row).map(String));
  const places = `SELECT ? AS p, v FROM ${twice('SELECT v FROM t WHERE v < ?')} WHERE v > ?`;
  assert.equal(await rows(places, ['x', 4, 2]), [['x', '3']]);
  const numbers = `SELECT $3 AS p, v FROM ${twice('SELECT v FROM t WHERE v < $2 AND v > $1')} WHERE v > $1`;
  assert.equal(await rows(numbers, [2, 4, 'y']), [['y', '3']]);
  const names = `SELECT $p AS p, v FROM ${twice('SELECT v FROM t WHERE v < $most')} WHERE v > $least`;
  assert.equal(await rows(names, { p: 'z', most: 4, least: 2 }), [['z', '3']]);
  const deep = `SELECT v FROM ${twice(`SELECT v FROM ${twice('SELECT v FROM t WHERE v = ?')} WHERE v <> ?`)} WHERE v = ?`;
  assert.equal(await rows(deep, [5, 4, 5]), [['5']]);
  const { code, message } = await errorOf(engine.query(places, ['x', 4]));
  assert.equal(
    [code, message],
    ['RVB_SQL', 'the statement has 3 parameters but 2 values were given'],
  );
});

test('annotations hold for every call, and a budget for all of them together', async () => {
  const { summary, notices, rowCount } = await engine.query(
    `-- @ max_calls: 8\nSELECT * FROM ${ask(100)} a JOIN ${ask(200)} b ON a.v = b.v - 100`,
  );
  assert.is(asked, 8);
  assert.equal([summary.status, rowCount], ['incomplete', 0]);
  assert.equal(notices.at(-1)?.code, 'incomplete');
  // It goes on from there.
  const again = await engine.query(
    `-- @ max_calls: 8\nSELECT * FROM ${ask(100)} a JOIN ${ask(200)} b ON a.v = b.v - 100`,
  );
  assert.equal([again.rowCount, asked], [6, 12]);
  // A call's own WITH wins.
  await engine.query(`-- @ max_calls: 3\nSELECT * FROM ${ask(300, 'WITH (max_calls = 6)')}`);
  assert.is(asked, 18);
  const inside = await errorOf(
    engine.query(`SELECT *\nFROM (\n-- @ max_calls: 1\nRVBBIT MAP 'ask.yaml' USING (FROM t))`),
  );
  assert.equal([inside.code, inside.place?.line], ['RVB_SYNTAX', 3]);
  assert.is(
    (await errorOf(engine.query(`-- @ max_cots: 1\nFROM ${ask(0)}`))).code,
    'RVB_UNKNOWN_OPTION',
  );
  assert.is((await errorOf(engine.query(`-- @ max_cost: 1\nFROM ${ask(0)}`))).code, 'RVB_UNCOSTED');
});

test('a statement that writes does nothing with a call that ended early', async () => {
  await engine.query('CREATE OR REPLACE TABLE w AS SELECT 1 AS v');
  const insert = `INSERT INTO w SELECT v FROM ${ask(400, 'WITH (max_calls = 2)')}`;
  assert.is((await engine.query(insert)).summary.status, 'incomplete');
  assert.is((await engine.query('FROM w')).rowCount, 1);
  await engine.query(insert.replace('= 2', '= 4'));
  assert.is((await engine.query('FROM w')).rowCount, 7);
  assert.equal(await stages(), []);
});

test('rows that failed are NULL or an error, as each call says', async () => {
  const deaf = (more: string) =>
    `SELECT * FROM (RVBBIT MAP 'deaf.yaml' AS d USING (FROM t) ${more})`;
  const { rows, summary } = await engine.query(deaf(''));
  assert.ok(rows.length === 6 && rows.every(({ d }) => d === null));
  assert.is(summary.rows.failed, 6);
  assert.is((await errorOf(engine.query(deaf("WITH (on_error = 'fail')")))).code, 'RVB_MODEL_HTTP');
  assert.equal(await stages(), []);
});

test('the account has the rows and calls of all parts', async () => {
  const { summary } = await engine.query(
    `SELECT * FROM ${ask(500)} a JOIN ${twice()} b ON a.v = b.v + 500 WHERE said MEANS 'polite'`,
  );
  assert.equal([summary.rows.in, summary.runs, summary.calls.sent], [13, 13, 7]);
});

test('the account adds up wherever a RUN stands', async () => {
  const run = (using: string) => `RVBBIT RUN 'one.yaml' USING (${using})`;
  for (const [sql, rows] of [
    [run(`FROM (${run('FROM t')})`), 2],
    [run(`FROM ${twice()}`), 7],
    [`SELECT count(*) FROM ${twice()} a, (${run('FROM t')}) b, (${run('SELECT 1')}) c`, 8],
  ] as const) {
    const { summary } = await engine.query(sql);
    const { in: read, ok, notRun } = summary.rows;
    assert.equal([read, ok, notRun, summary.runs], [rows, rows, 0, rows], sql);
  }
});

test('what needs only the columns of a call runs no row', async () => {
  const { rows, summary } = await engine.query(`DESCRIBE FROM ${ask(0)}`);
  assert.equal(
    rows.map(({ column_name, column_type }) => [column_name, column_type]),
    [
      ['v', 'BIGINT'],
      ['said', 'VARCHAR'],
    ],
  );
  await engine.query(`CREATE TABLE empty AS FROM ${ask(0)} WITH NO DATA`);
  assert.equal((await engine.query('FROM empty')).rows, []);
  assert.equal([asked, summary.runs, await stages()], [0, 0, []]);
  await engine.query('DROP TABLE empty');
});

test('each RUN of a statement has a table, a cost and a time of its own', async () => {
  await using priced = await Engine.open({
    cascades,
    threads: 1,
    modelPrice: { inputPerMtok: 1, outputPerMtok: 1 },
    model: async ({ messages }) => {
      const isSlow = String(messages.at(-1)!.content) === 'Say slow';
      await new Promise((go) => setTimeout(go, isSlow ? 300 : 0));
      const inputTokens = isSlow ? 3_000 : 1_000;
      return { text: 'x', finishReason: 'stop', usage: { inputTokens, outputTokens: 0 } };
    },
  });
  const run = (file: string, rows: number) => `(RVBBIT RUN '${file}' USING (FROM range(${rows})))`;
  const slow = "(RVBBIT MAP 'ask.yaml' USING (SELECT 'slow' AS v))";
  const { rows, summary } = await priced.query(
    `SELECT a.result AS a, b.result AS b, c.result AS c
FROM ${slow} s, ${run('count.yaml', 5)} a, ${run('count.yaml', 2)} b, ${run('one.yaml', 3)} c`,
  );
  const reports = Object.values(rows[0]!).map((report) => JSON.parse(String(report)));
  const name = summary.sessionId.replaceAll('-', '_');
  assert.equal(
    reports.map(({ table_created, cost }) => [table_created, cost]),
    [
      [name, 0.001],
      [`${name}_2`, 0.001],
      [`${name}_3`, 0],
    ],
  );
  assert.is(summary.costMicroUsd, 5_000);
  for (const { table_created, row_count, duration_ms } of reports) {
    const { rowCount } = await priced.query(`FROM ${table_created}`);
    assert.is(rowCount, row_count);
    assert.ok(duration_ms < summary.durationMs - 250, `${duration_ms} of ${summary.durationMs}`);
  }
});

test('a PIVOT takes its columns from the rows of a call', async () => {
  const { rows } = await engine.query(
    `PIVOT (RVBBIT MAP 'twice.yaml' USING (FROM t LIMIT 2) RETURNING (d INTEGER)) ON v USING sum(d)::INTEGER`,
  );
  assert.equal(rows, [{ 0: 0, 1: 2 }]);
  assert.equal(await stages(), []);
});

test('what would keep a call is refused, and what reads from around it told why not', async () => {
  for (const sql of [
    `CREATE VIEW x AS FROM ${twice()}`,
    `CREATE MACRO m() AS TABLE FROM ${twice()}`,
    `PREPARE p AS FROM ${twice()}`,
  ]) {
    const { code, place } = await errorOf(engine.query(sql));
    assert.equal([code, place?.column], ['RVB_UNSUPPORTED', sql.indexOf('RVBBIT') + 1]);
  }
  for (const using of ['SELECT o.v', 'SELECT v FROM c']) {
    const { message } = await errorOf(
      engine.query(`WITH c AS (FROM t) SELECT (SELECT max(d) FROM ${twice(using)}) FROM t o`),
    );
    assert.match(message, 'runs before the query around it and cannot read from that');
  }
});

test('EXPLAIN runs nothing and shows every call', async () => {
  const sql = `SELECT * FROM ${ask(600)} a JOIN ${ask(700, 'WITH (parallel = 3)')} b USING (v)`;
  const report = await engine.explain(sql);
  assert.equal(
    [asked, report.statement, report.calls.expected, report.calls.most],
    [0, 'sql', 12, 12],
  );
  assert.is(report.tree.children.length, 2);
  const { rows } = await engine.query(`EXPLAIN (FORMAT TREE) ${sql}`);
  assert.is(rows.filter(({ explain }) => /MAP ask\.yaml/.test(String(explain))).length, 2);
  const { calls } = await engine.explain(
    `RVBBIT MAP 'ask.yaml' AS again USING (SELECT said AS v FROM ${ask(800)})`,
  );
  assert.equal([calls.least, calls.most, asked], [6, null, 0]);
  const analyzed = await engine.explain(`EXPLAIN ANALYZE ${sql}`);
  assert.equal([analyzed.actual?.calls, asked], [12, 12]);
  assert.is((await errorOf(engine.explain(`SELECT nope FROM ${ask(900)}`))).place?.column, 8);
  assert.equal(await stages(), []);
});

test('a stream gives the rows, and a name like ours is left to DuckDB', async () => {
  const values: unknown[] = [];
  for await (const { d } of engine.stream(`SELECT d FROM ${twice()} ORDER BY v LIMIT 2`))
    values.push(d);
  assert.equal(values, ['0', '2']);
  assert.equal((await engine.query('SELECT (rvbbit) AS r FROM (SELECT 1 AS rvbbit) rvbbit')).rows, [
    { r: 1 },
  ]);
  assert.equal(await stages(), []);
});

test('EXPLAIN makes no call, however it is asked', async () => {
  for (const sql of [
    `EXPLAIN SELECT * FROM ${ask(1_000)}`,
    `EXPLAIN ${ask(1_000).slice(1, -1).replace('FROM t', `FROM ${twice()}`)}`,
  ]) {
    const lines: unknown[] = [];
    for await (const line of engine.stream(sql)) lines.push(line);
    for await (const { rows } of engine.script(sql)) lines.push(...rows);
    assert.ok(lines.length > 10);
  }
  assert.is(asked, 0);
});

test('what stands is not replaced by rows of which nothing came', async () => {
  const deaf = "RVBBIT MAP 'deaf.yaml' AS d USING (FROM t)";
  await engine.query('CREATE OR REPLACE TABLE stays AS SELECT 1 AS v');
  for (const sql of [
    `CREATE OR REPLACE TABLE stays AS SELECT v FROM (${deaf})`,
    `INSERT INTO stays SELECT v FROM (${deaf})`,
    `DELETE FROM stays WHERE v IN (SELECT v FROM (${deaf}) WHERE d IS NULL)`,
    `CREATE OR REPLACE TABLE stays AS RVBBIT MAP 'twice.yaml' USING (SELECT v FROM (${deaf}))`,
  ]) {
    const { message } = await errorOf(engine.query(sql));
    assert.match(message, 'nothing was written to stays: none of 6 runs succeeded', sql);
    assert.equal((await engine.query('SELECT v::INTEGER AS v FROM stays')).rows, [{ v: 1 }]);
  }
  const { notices } = await engine
    .query(
      `CREATE OR REPLACE TABLE stays AS SELECT * FROM (RVBBIT MAP 'twice.yaml' USING (SELECT unnest([1, 2]) AS v) RETURNING (d BOOLEAN)) m, (RVBBIT MAP 'twice.yaml' AS e USING (FROM t)) n`,
    )
    .catch(() => ({ notices: [{ code: 'refused', message: '' }] }));
  assert.equal(
    notices.map(({ code }) => code),
    ['refused'],
  );
  const part = await engine.query(
    `CREATE OR REPLACE TABLE stays AS FROM (RVBBIT MAP 'twice.yaml' USING (SELECT unnest([1, 2]) AS v) RETURNING (d UTINYINT)) WHERE v < 2`,
  );
  assert.equal(part.notices, []);
});

test('what DuckDB would say of the rest is said before a model is asked', async () => {
  await engine.query('CREATE OR REPLACE TABLE there AS SELECT 1 AS v');
  for (const sql of [
    `SELECT typo FROM ${ask(1_100)}`,
    `INSERT INTO there SELECT * FROM ${ask(1_100)}`,
    `CREATE TABLE there AS FROM ${ask(1_100)}`,
    `SELECT * FROM ${ask(1_100, "WITH (as_table = 'x')")}`,
  ]) {
    await errorOf(engine.query(sql));
  }
  assert.is(asked, 0);
  assert.equal(await stages(), []);
});

test('calls on short lines, and columns called rvbbit', async () => {
  const short = "(RVBBIT MAP\n'twice.yaml'\nUSING\n(FROM t))";
  assert.is(
    (await engine.query(`SELECT ? AS p, * FROM ${short} a WHERE v = ?`, ['x', 3])).rowCount,
    1,
  );
  assert.is((await engine.query(`SELECT * FROM ${short} a JOIN ${short} b USING (v)`)).rowCount, 6);
  assert.is(
    (
      await engine.query(`SELECT ?2 AS p, * FROM ${twice('SELECT v FROM t WHERE v = ?1')}`, [
        3,
        'x',
      ])
    ).rows[0]!['p'],
    'x',
  );
  await engine.query("CREATE OR REPLACE TABLE words AS SELECT 'abc' AS rvbbit");
  for (const where of [
    "(rvbbit LIKE 'a%')",
    "(rvbbit IS DISTINCT FROM 'x')",
    "(rvbbit MEANS 'x')",
  ]) {
    assert.is((await engine.query(`FROM words WHERE ${where}`)).rowCount, 1, where);
  }
});

test.run();
