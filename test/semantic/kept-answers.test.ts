/** Questions that are all answered are a join with a table of their answers: the same rows, hits and savings as before. */
import { DuckDBInstance } from '@duckdb/node-api';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, type QueryResult } from '../../src/index.ts';
import { makeFolder, removeFolder } from '../cli/spawn.ts';

const cascades = makeFolder({
  'operators/maybe.yaml': `cascade_id: maybe
sql_function:
  name: MAYBE
  shape: SCALAR
  returns: VARCHAR
  args: [{ name: d, type: VARCHAR }, { name: c, type: VARCHAR }]
  operators: ["{d} MAYBE {c}"]
cells:
  - name: say
    instructions: "Maybe {{ input.d }} {{ input.c }}"
    output_schema: { type: [string, "null"] }
`,
});
let calls = 0;
let yes = 3;
const engine = await Engine.open({
  cascades,
  threads: 1,
  stateDir: `${cascades}/state`,
  modelPrice: { inputPerMtok: 1_000, outputPerMtok: 0 },
  model: async ({ messages }) => {
    calls += 1;
    const text = String(messages.at(-1)!.content);
    const number = Number(/word (\d+)/.exec(text)?.[1]);
    const answer = number % yes === 0;
    const usage = { inputTokens: 10, outputTokens: 1 };
    if (!text.startsWith('Maybe'))
      return { text: JSON.stringify({ answer }), finishReason: 'stop', usage };
    return {
      text: JSON.stringify(number % 20 === 0 ? null : `m${number % 4}`),
      finishReason: 'stop',
      usage,
    };
  },
});
test.after(async () => {
  await engine.close();
  removeFolder(cascades);
});
test.before.each(async () => {
  yes = 3;
  await engine.query(
    "CREATE OR REPLACE TABLE t AS SELECT i AS id, CASE WHEN i % 50 = 49 THEN NULL ELSE 'word ' || (i % 125) END AS d, i % 7 AS g FROM range(1250) r(i)",
  );
  await engine.query('CREATE OR REPLACE TABLE s AS SELECT i AS g FROM range(3) r(i)');
  calls = 0;
});

const many = '-- @ max_calls: 100000\n-- @ parallel: 100\n';
/** Statements of other sessions find tables, too, so those with an age look answers up one by one. */
const oneByOne = (sql: string) => engine.query(`-- @ cache: 30d\n${many}${sql}`);
const kept = (sql: string) => engine.query(`${many}${sql}`);
const texts = ({ rows, columns }: QueryResult) => [
  columns,
  rows.map((row) => Object.values(row).map(String)),
];
/** Runs a statement over each table of kept answers. */
const tamper = async (sql: (table: string) => string) => {
  const { rows } = await engine.query(
    "SELECT table_name FROM duckdb_tables() WHERE database_name = 'rvbbit_kept'",
  );
  assert.ok(rows.length > 0);
  for (const row of rows) await engine.query(sql(`rvbbit_kept.main.${row['table_name']}`));
};

const SHAPES = [
  "SELECT max(id) AS n, m FROM (SELECT id, d MEANS 'a' AS m FROM t WHERE g < 5) GROUP BY m ORDER BY m",
  "SELECT id FROM t WHERE d MEANS 'a' ORDER BY id",
  "SELECT id FROM t WHERE NOT d MEANS 'a' AND g > 2 ORDER BY id",
  "SELECT id, d MEANS 'a' AS m FROM t ORDER BY id",
  "SELECT CASE WHEN d MEANS 'a' THEN 'yes' ELSE 'no' END AS m, count(*) AS n FROM t GROUP BY ALL ORDER BY m",
  "SELECT g, count(*) FILTER (WHERE d MEANS 'a') AS n FROM t GROUP BY g ORDER BY g",
  "SELECT t.id FROM t JOIN s ON t.g = s.g AND t.d MEANS 'a' ORDER BY t.id",
  "SELECT d MAYBE 'b' AS m, count(*) AS n FROM t GROUP BY d MAYBE 'b' ORDER BY ALL",
  "SELECT id, coalesce(d MAYBE 'b', 'none') AS m FROM t WHERE g = 1 ORDER BY id",
];

for (const sql of SHAPES) {
  test(`as one by one, in rows, types, names, hits and savings: ${sql}`, async () => {
    await kept(sql);
    await kept(sql);
    calls = 0;
    const slow = await oneByOne(sql);
    const fast = await kept(sql);
    assert.is(calls, 0);
    assert.equal(texts(fast), texts(slow));
    for (const { summary } of [fast, slow]) {
      const { runs, calls: sent } = summary;
      assert.equal(
        [sent.cacheHits, runs, summary.rows.ok + summary.rows.null, summary.rows.failed],
        [slow.summary.calls.cacheHits, slow.summary.runs, slow.summary.runs, 0],
      );
      assert.is(summary.rows.null, slow.summary.rows.null);
    }
    await tamper((table) => `DELETE FROM ${table} WHERE rvb_key LIKE '%7'`);
    assert.equal(
      texts(await kept(sql)),
      texts(slow),
      'an answer that is missing is found elsewhere, and added',
    );
    assert.is(calls, 0);
    await tamper((table) => `UPDATE ${table} SET v = NULL`);
    assert.not.equal(texts(await kept(sql)), texts(slow), 'the table is read');
    await tamper((table) => `DELETE FROM ${table}`);
    assert.equal(texts(await kept(sql)), texts(slow));
    assert.is(calls, 0);
  });
}

test('counts the hits of answers that only rows far behind the first ones need', async () => {
  await engine.query(
    "CREATE TABLE sorted AS SELECT 'word ' || (i // 100) AS d FROM range(12_500) r(i)",
  );
  const sql = "SELECT count(*) AS n FROM sorted WHERE d MEANS 'a'";
  await kept(sql);
  await kept(sql);
  await tamper((table) => `UPDATE ${table} SET v = NULL`);
  for (const [where, hits] of [
    ['', 125],
    [" AND d <> 'word 124'", 124],
  ] as const) {
    const { rows, summary } = await kept(sql + where);
    assert.equal([rows[0]!['n'], summary.calls.cacheHits], [0n, hits], where);
  }
});

test('a row that is new is asked about; what is cleared or bought anew is not answered from the table', async () => {
  const sql = "SELECT count(*)::INTEGER AS n FROM t WHERE d MEANS 'c'";
  const n = async (text: string) => (await kept(text)).rows[0]!['n'];
  await n(sql);
  const before = Number(await n(sql));
  calls = 0;
  await engine.query("INSERT INTO t VALUES (9000, 'word 3000', 1)");
  assert.equal([await n(sql), calls], [before + 1, 1]);
  assert.equal([await n(sql), calls], [before + 1, 1]);
  yes = 2;
  const other = Number(await n(`-- @ cache: refresh\n${sql}`));
  assert.is.not(other, before + 1);
  calls = 0;
  assert.equal([await n(sql), calls], [other, 0]);
  await n(sql.replace("'c'", "'e'"));
  assert.is(calls, 126, 'another criterion');
});

test('a query that may stop early asks no more because some answers are kept', async () => {
  await engine.query("UPDATE t SET d = 'word ' || id");
  await engine.query(`${many}SELECT id FROM t WHERE id < 150 AND d MEANS 'early'`);
  assert.is(calls, 150);
  await tamper((table) => `FROM ${table}`);
  const rows = await engine.query(
    "-- @ parallel: 10\nSELECT DISTINCT g FROM t WHERE id < 1000 AND d MEANS 'early'",
  );
  assert.is(rows.rowCount, 7);
  // Seven values of g, of which 150 answers tell all.
  assert.ok(calls - 150 <= 10, `${calls - 150} calls`);
  // A count needs every answer.
  calls = 0;
  await engine.query(`${many}SELECT count(*) FROM t WHERE id < 200 AND d MEANS 'early'`);
  assert.ok(calls >= 40 && calls <= 50, `${calls} calls`);
});

test('a transaction, another connection and an abort take the other way, and leave nothing', async () => {
  const sql = "SELECT count(*)::INTEGER AS n FROM t WHERE d MEANS 'd'";
  const expected = (await kept(sql)).rows;
  await using session = await engine.session();
  assert.equal((await session.query(sql)).rows, expected, 'a table serves all sessions');
  await session.query('BEGIN');
  await session.query('DELETE FROM t WHERE id >= 0');
  assert.equal((await session.query(sql)).rows, [{ n: 0 }]);
  await session.query('ROLLBACK');
  const controller = new AbortController();
  controller.abort();
  await engine.query(sql, undefined, { signal: controller.signal }).catch(() => undefined);
  assert.equal(
    (await engine.query("SELECT count(*)::INTEGER AS n FROM t WHERE d MEANS 'a'")).rows.length,
    1,
  );
  const left = await engine.query(
    "SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'rvb%' AND database_name <> 'rvbbit_kept'",
  );
  assert.equal(left.rows, []);
  const macros = await engine.query(
    "SELECT function_name FROM duckdb_functions() WHERE function_type = 'macro' AND NOT internal",
  );
  assert.equal(macros.rows, []);
});

test('answers are in the table from the statement on that bought them, and a subset takes none away', async () => {
  const sql = (where: string) => `SELECT count(*)::INTEGER AS n FROM t WHERE ${where}d MEANS 'f'`;
  const { rows } = await kept(sql(''));
  await kept(sql('g = 1 AND '));
  calls = 0;
  await tamper((table) => `UPDATE ${table} SET v = NULL`);
  assert.equal((await kept(sql(''))).rows, [{ n: 0 }], 'the table is read');
  await tamper((table) => `DELETE FROM ${table}`);
  assert.equal([(await kept(sql(''))).rows, calls], [rows, 0]);
});

test('a repeated query sees what others change: rows, tables, transactions and views', async () => {
  const sql = "SELECT count(*)::INTEGER AS n FROM t WHERE d MEANS 'g'";
  const n = async (text = sql) => (await kept(text)).rows[0]!['n'];
  await using other = await engine.session();
  const first = Number(await n());
  const hits = (await kept(sql)).summary.calls.cacheHits;
  assert.equal([await n(), hits], [first, 125]);
  await other.query("INSERT INTO t VALUES (1, 'word 3', 1)");
  assert.is(await n(), first + 1);
  await other.query('BEGIN');
  await other.query("INSERT INTO t VALUES (1, 'word 6000', 1)");
  assert.is(await n(), first + 1);
  await other.query('COMMIT');
  calls = 0;
  assert.equal([await n(), calls, await n(), calls], [first + 2, 1, first + 2, 1]);
  await other.query('CREATE OR REPLACE VIEW w AS FROM t WHERE id < 100');
  const view = sql.replace('FROM t', 'FROM w');
  const few = Number(await n(view));
  await other.query('CREATE OR REPLACE VIEW w AS FROM t WHERE id < 0');
  assert.ok(few > 0);
  assert.is(await n(view), 0);
  await other.query("CREATE OR REPLACE TABLE t AS SELECT 'word 3' AS d");
  assert.is(await n(), 1);
});

test('a repeated query sees what the application changes in its own instance', async () => {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run("CREATE TABLE t AS SELECT 'word ' || i AS d FROM range(120) r(i)");
  const model = async () => ({ text: '{"answer":true}', finishReason: 'stop' as const });
  await using own = await Engine.open({ database: instance, threads: 1, model });
  const n = async () => {
    const { rows } = await own.query("SELECT count(*)::INTEGER AS n FROM t WHERE d MEANS 'a'");
    return rows[0]!['n'];
  };
  assert.equal([await n(), await n(), await n()], [120, 120, 120]);
  await connection.run("INSERT INTO t VALUES ('word 3'), ('word 999')");
  assert.equal([await n(), await n()], [122, 122]);
});

test.run();
