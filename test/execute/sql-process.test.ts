/** SQL cells in a process of their own give what they give on the session. */
import { once } from 'node:events';
import {
  existsSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { sqlProcesses, untilSo } from '../fault/sql-process-support.ts';
import { makeRoot, operatorFile } from '../operators/support.ts';
import {
  cascadeOf,
  cascades,
  compare,
  openEngine,
  privateFolders,
  runCell,
} from './sql-process-support.ts';

const SETUP = [
  'CREATE TABLE t AS SELECT range AS n, range % 3 AS g FROM range(10)',
  'CREATE SCHEMA "a b"',
  'CREATE TABLE "a b"."T ""x""" AS SELECT 7 AS seven',
  "ATTACH ':memory:' AS other",
  'CREATE TABLE other.far AS SELECT 8 AS eight',
  'CREATE TEMP TABLE hidden AS SELECT 1 AS one',
  'CREATE TABLE hidden AS SELECT 2 AS two',
  'CREATE VIEW over AS SELECT g, count(*) AS n FROM t GROUP BY g',
  'CREATE MACRO twice(x) AS x * 2',
  'CREATE MACRO thrice(x) AS x + twice(x), (x, y) AS x * y',
  'CREATE MACRO best(k) AS TABLE SELECT n FROM t ORDER BY n DESC LIMIT k',
  'CREATE TEMP MACRO total() AS (SELECT sum(n) FROM t)',
  'CREATE MACRO "a b".twice(x) AS x * 20',
  'CREATE MACRO other.far_off(x INTEGER) AS x - 1',
  "CREATE TYPE mood AS ENUM ('sad', 'ok')",
  'CREATE TYPE "a b".pair AS STRUCT(a INTEGER, "b c" VARCHAR)',
  "SET TimeZone = 'Asia/Kathmandu'",
  "SET default_null_order = 'NULLS_FIRST'",
  'SET integer_division = true',
];

const QUERIES = [
  'SELECT 1 AS a',
  'SELECT count(*) AS c, sum(n) AS s FROM t',
  'FROM T ORDER BY n DESC LIMIT 2',
  'SELECT * FROM "a b"."T ""x"""',
  'SELECT * FROM memory."a b"."T ""x"""',
  'SELECT * FROM main.t WHERE n = 1',
  'SELECT * FROM memory.t WHERE n = 1',
  'SELECT * FROM other.far',
  'SELECT * FROM other.main.far, t WHERE n = 2',
  'SELECT * FROM hidden',
  'SELECT * FROM memory.main.hidden',
  'SELECT * FROM temp.hidden',
  'SELECT h.one, p.two FROM hidden h, memory.main.hidden p',
  'SELECT * FROM over ORDER BY g',
  'WITH t AS (SELECT 1 AS own) SELECT * FROM t',
  'WITH x AS (SELECT * FROM t) SELECT max(n) AS m FROM x',
  'WITH t AS (SELECT max(n) AS n FROM t) SELECT * FROM t',
  'WITH columns AS (SELECT 1 AS own), Sqlite_Master AS (FROM columns) FROM sqlite_master',
  'WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < 5) SELECT sum(i) AS s FROM r',
  'SELECT (SELECT max(n) FROM t AS t2 WHERE t2.g = t.g) AS m FROM t WHERE n < 3 ORDER BY n',
  'SELECT n FROM t WHERE n IN (SELECT one FROM hidden)',
  'PIVOT t ON g IN (0, 1) USING count(*)',
  'DESCRIBE t',
  'SUMMARIZE SELECT n FROM t',
  'TABLE t LIMIT 1',
  'VALUES (1), (2)',
  'SELECT twice(n) AS d, thrice(n) AS e, thrice(n, 5) AS f, n.twice() AS g FROM t ORDER BY n LIMIT 3',
  'SELECT * FROM best(2)',
  'SELECT "a b".twice(1) AS t, other.far_off(1) AS f',
  `SELECT ({'a': 1, 'b c': 'x'})::"a b".pair AS p`,
  'SELECT total() AS s',
  "SELECT 'ok'::mood AS m, typeof('ok'::mood) AS t",
  "SELECT '2020-01-01 00:00:00'::TIMESTAMPTZ::VARCHAR AS t",
  'SELECT unnest([3, NULL, 1]) AS v ORDER BY v',
  'SELECT 7 / 2 AS i',
  "SELECT current_database() AS d, current_schema() AS s, current_setting('TimeZone') AS z",
  'SELECT 1 AS a, 2 AS A',
  'SELECT {{ input.text }} AS t, {{ input.n }} + 1 AS n, {{ input.list }}::JSON AS l, {{ input.nothing }} AS x',
  'SELECT 1 / {{ input.zero }}::DOUBLE AS x',
  'SELECT * FROM t WHERE n = {{ input.n }}',
  'SELECT n FROM {{ input.table | ident }} WHERE n = 1',
  'FROM range(3)',
  // What fails, fails alike.
  'SELECT * FROM nosuch',
  'SELECT nosuch FROM t',
  'SELECT * FROM nosuch.t',
  'SELECT nosuch(1)',
  'SELEC 1',
  'SELECT 1; SELECT 2',
  "SELECT error('no ' || n) FROM t",
  "SELECT 'x'::INTEGER",
  'FROM range(10001)',
  "SELECT * FROM read_csv('/nosuch/file.csv')",
  '',
];

test('queries of every kind see what they see on the session, and fail as they fail there', () =>
  compare(SETUP, QUERIES, {
    text: "it's",
    n: 4,
    list: [1, 'a'],
    nothing: null,
    zero: -0,
    table: ['main', 't'],
  }));

test('what only the session can answer is refused by a name of the way that it works', async () => {
  await using engine = await openEngine({ sqlCells: 'process' });
  for (const sql of [
    'CREATE TABLE t AS SELECT 1 AS n',
    'CREATE SEQUENCE s',
    'CREATE MACRO plus(a, b := 5) AS a + b',
    'SET VARIABLE x = 1',
  ]) {
    await engine.query(sql);
  }
  for (const query of [
    'INSERT INTO t VALUES (2)',
    'UPDATE t SET n = 3',
    'DELETE FROM t',
    'CREATE TABLE u AS SELECT 1',
    "COPY t TO 'file.csv'",
    "SELECT ['a']::ENUM('a')[]",
    'SET threads = 1',
    "ATTACH 'file.db'",
    'CALL pragma_version()',
    "SELECT nextval('s')",
    "SELECT getvariable('x')",
    "SELECT * FROM query_table('t')",
    "SELECT * FROM query('FROM t')",
    "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('FROM t'))",
    "SELECT json_serialize_plan('FROM t')",
    'SHOW TABLES',
    'SELECT * FROM duckdb_tables()',
    'SELECT * FROM information_schema.tables',
    'SELECT * FROM pg_catalog.pg_class',
    'SELECT * FROM sqlite_master',
  ]) {
    const result = await runCell(engine, query);
    assert.ok(
      'code' in result && result.code === 'RVB_UNSUPPORTED',
      `${query} ${JSON.stringify(result)}`,
    );
    assert.match(result.message, "sqlCells: 'inline'");
  }
  const byDefault = await runCell(engine, 'SELECT plus(1)');
  assert.match('code' in byDefault ? byDefault.message : '', "sqlCells: 'inline'");
  assert.equal(await runCell(engine, 'SELECT plus(1, 2) AS p'), {
    output: { rows: [{ p: 3 }], columns: ['p'], row_count: 1 },
  });
  assert.is((await engine.query('FROM t')).rowCount, 1);
});

test('a table that a cell makes is there for the cells after it, as often as it is made anew', async () => {
  for (const sqlCells of ['inline', 'process'] as const) {
    await using engine = await openEngine({ sqlCells });
    await engine.query('CREATE TABLE made AS SELECT 0 AS v');
    const count = 'SELECT sum(v)::INTEGER AS s, count(*) AS c FROM made';
    const file = cascadeOf([
      count,
      { query: 'SELECT range AS v FROM range({{ input.n }})', table: 'made' },
      count,
      { query: 'SELECT v + 1 AS v FROM made UNION ALL SELECT 100', table: 'made' },
      count,
      `SELECT [{{ outputs.q1.rows[0].s }}, {{ outputs.q3.rows[0].s }}, {{ outputs.q5.rows[0].s }}, {{ outputs.q5.rows[0].c }}] AS sums`,
    ]);
    const { rows } = await engine.query(
      `RVBBIT MAP '${file}' AS v USING (SELECT range + 3 AS n FROM range(5))`,
    );
    const sums = rows.map(({ v }) => JSON.parse(v as string).rows[0].sums);
    // The first row finds the table of the database, the others what the one before has left.
    const expected = [3, 4, 5, 6, 7].map((n, index) => [
      index === 0 ? 0 : ((n - 1) * (n - 2)) / 2 + (n - 1) + 100,
      (n * (n - 1)) / 2,
      (n * (n - 1)) / 2 + n + 100,
      n + 1,
    ]);
    assert.equal(sums, expected, sqlCells);
    assert.is((await engine.query('FROM made')).rowCount, 8);
    assert.is((await engine.query('FROM memory.main.made')).rowCount, 1);
  }
});

test('statements side by side see each its own reading of a table', async () => {
  await using engine = await openEngine({ sqlCells: 'process', threads: 2 });
  await engine.query('CREATE TABLE t AS SELECT 1 AS n');
  const file = cascadeOf(['SELECT sum(n)::INTEGER AS s, {{ input.n }} AS n FROM t']);
  const map = (rows: number) =>
    engine.query(
      `RVBBIT MAP PARALLEL 3 '${file}' AS v USING (SELECT range AS n FROM range(${rows}))`,
    );
  const sums = async (work: ReturnType<typeof map>): Promise<unknown[]> => {
    const { rows } = await work;
    return [...new Set(rows.map(({ v }) => JSON.parse(v as string).rows[0].s))];
  };
  const begun = once(engine.events, 'rows');
  const first = sums(map(200));
  await begun;
  await engine.query('INSERT INTO t VALUES (10)');
  const others = await Promise.all([sums(map(50)), sums(map(20)), first]);
  assert.equal(others, [[11], [11], [1]]);
});

test('a statement reads each table once; the next one reads it anew', async () => {
  await using engine = await openEngine({ sqlCells: 'process' });
  await engine.query('CREATE TABLE t AS SELECT 1 AS n');
  const sumNow = async (): Promise<unknown> => {
    const result = await runCell(engine, 'SELECT sum(n)::INTEGER AS s FROM t');
    return 'output' in result ? (result.output as { rows: unknown[] }).rows[0] : result;
  };
  assert.equal(await sumNow(), { s: 1 });
  await engine.query('INSERT INTO t VALUES (10)');
  assert.equal(await sumNow(), { s: 11 });
  await engine.query('BEGIN');
  await engine.query('INSERT INTO t VALUES (100)');
  assert.equal(await sumNow(), { s: 111 });
  await engine.query('ROLLBACK');
  assert.equal(await sumNow(), { s: 11 });
});

/** An instance of our own that may reach no files, those under `open` apart. */
async function closedInstance(open: readonly string[]): Promise<DuckDBInstance> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run(
    `SET memory_limit = '384MiB'; SET threads = 1; SET allowed_directories = [${open.map((path) => `'${path}'`).join(', ')}];
SET enable_external_access = false; SET lock_configuration = true`,
  );
  connection.disconnectSync();
  return instance;
}

test('the process may do no more than the session may', async () => {
  const file = join(cascades, 'c1.yaml');
  const open = await closedInstance([realpathSync(tmpdir())]);
  const shut = await closedInstance([]);
  await using inline = await openEngine({ database: shut });
  await using isolated = await openEngine({ database: shut, sqlCells: 'process' });
  await using snapshots = await openEngine({ database: open, sqlCells: 'process' });
  const settings = `SELECT name, value FROM duckdb_settings() WHERE name IN ('memory_limit', 'threads')`;
  const asked = `SELECT current_setting('memory_limit') AS m, current_setting('threads') AS t,
current_setting('enable_external_access') AS e, current_setting('lock_configuration') AS l`;
  assert.is((await inline.query(settings)).rowCount, 2);
  for (const query of [
    asked,
    'SELECT 1 AS one',
    `SELECT content FROM read_text('${file}')`,
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM glob('/etc/*')",
  ]) {
    assert.equal(await runCell(isolated, query), await runCell(inline, query), query);
  }
  assert.match(
    JSON.stringify(await runCell(inline, "FROM read_text('/etc/passwd')")),
    'Permission',
  );
  await isolated.query('CREATE TABLE t AS SELECT 5 AS n');
  const refused = await runCell(isolated, 'SELECT n FROM t');
  assert.match('code' in refused ? refused.message : '', /may not write .* allowed_directories/);
  await snapshots.query('CREATE TABLE t AS SELECT 5 AS n');
  assert.equal(await runCell(snapshots, 'SELECT n FROM t'), {
    output: { rows: [{ n: 5 }], columns: ['n'], row_count: 1 },
  });
  assert.match(
    JSON.stringify(await runCell(snapshots, "FROM read_text('/etc/passwd')")),
    'Permission Error',
  );
  open.closeSync();
  shut.closeSync();
});

test('a process is given no secret of the environment, and its folder is for its owner alone', async () => {
  process.env['OPENAI_API_KEY'] = 'sk-canary-0123456789abcdef';
  await using engine = await openEngine({ sqlCells: 'process' });
  await engine.query('CREATE TABLE t AS SELECT 1 AS n');
  const before = privateFolders();
  const working = runCell(engine, 'SELECT n FROM t');
  await working;
  const [folder] = privateFolders().filter((name) => !before.includes(name));
  assert.is(statSync(join(tmpdir(), folder!)).mode & 0o777, 0o700);
  const [pid] = sqlProcesses();
  const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
  assert.match(environment, 'UV_THREADPOOL_SIZE');
  assert.not.match(environment, 'canary');
  delete process.env['OPENAI_API_KEY'];
  await untilSo(() => readdirSync(join(tmpdir(), folder!)).length === 0, 'the snapshot is removed');
  await engine.close();
  assert.equal(existsSync(join(tmpdir(), folder!)), false);
  assert.equal(sqlProcesses(), []);
});

test('a wrong setting is refused with what it takes, from the API and from the file', async () => {
  const wrong = await openEngine({ sqlCells: 'thread' as 'process' }).catch((thrown) => thrown);
  assert.is(wrong.code, 'RVB_OPTION_TYPE');
  assert.is(wrong.message, 'Engine.open: sqlCells takes inline or process, not "thread"');
  const configFile = join(cascades, 'rvbbit.config.yaml');
  writeFileSync(configFile, 'sql_cells: thread\n');
  {
    await using engine = await openEngine({ configFile });
    const error = await engine.runCascade(cascadeOf(['SELECT 1']), {}).catch((thrown) => thrown);
    assert.is(error.code, 'RVB_OPTION_TYPE');
    assert.is(error.message, 'sql_cells takes inline or process, not "thread"');
  }
  writeFileSync(configFile, 'sql_cells: process\n');
  await using engine = await openEngine({ configFile });
  assert.is((await engine.runCascade(cascadeOf(['SELECT 1']), {})).outcome.kind, 'ok');
  assert.is(sqlProcesses().length, 1);
  await using over = await openEngine({ configFile, sqlCells: 'inline' });
  await over.runCascade(cascadeOf(['SELECT 1']), {});
  assert.is(sqlProcesses().length, 1);
});

test('keeps nothing for the questions of a semantic LIMIT once its rows are found', async () => {
  const file = operatorFile({ name: 'AMONG', operators: '["{text} AMONG {other}"]' });
  const cell = `{ query: "SELECT {{ input.text }} IN (FROM t) AS is_in" }`;
  const cells = `[{ name: q, tool: sql_data, inputs: ${cell} }]\noutput: outputs.q.rows[0].is_in`;
  const root = makeRoot({ 'among.yaml': file.replace(/(?<=cells: ).*/, cells) });
  await using engine = await openEngine({ sqlCells: 'process', cascades: root });
  await engine.query("CREATE TABLE t AS SELECT 'row ' || i AS x FROM range(40000) r(i)");
  const before = privateFolders();
  const sql = "SELECT x FROM t WHERE x AMONG '' LIMIT 2";
  for (let time = 0; time < 3; time++) {
    assert.is((await engine.query(`-- @ cache: false\n${sql}`)).rowCount, 2);
    const [folder] = privateFolders().filter((name) => !before.includes(name));
    const files = () => readdirSync(join(tmpdir(), folder!)).length;
    await untilSo(() => files() === 0, 'the snapshots are removed');
  }
});

test.run();
