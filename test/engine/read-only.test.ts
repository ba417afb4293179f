/** Read-only sessions: what they may do, and that nothing gets out of the database or into it. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, type EngineSession, RvbbitError } from '../../src/index.ts';
import { makeFolder, removeFolder } from '../cli/spawn.ts';

const folder = makeFolder({
  'secret.csv': 'k,v\ncanary,4711\n',
  'twice.yaml':
    'cascade_id: twice\ncells:\n  - { name: a, tool: js, inputs: { code: return 2 * Number(input.n) } }\n',
  'total.yaml': `cascade_id: total
cells:
  - { name: a, tool: sql_data, inputs: { query: 'SELECT sum(n) AS s FROM {{ input.data_table | ident }}' } }
output: outputs.a.rows[0].s
`,
  'writes.yaml': `cascade_id: writes
cells:
  - { name: a, tool: sql_data, inputs: { query: 'INSERT INTO t VALUES ({{ input.n }}, NULL) RETURNING a' } }
`,
  'keeps.yaml': `cascade_id: keeps
cells:
  - { name: kept, tool: sql_data, materialize: table, inputs: { query: 'SELECT a FROM t' } }
`,
  'asks.yaml': "cascade_id: asks\ncells:\n  - { name: a, instructions: 'Say {{ input.n }}' }\n",
});
test.after(() => removeFolder(folder));

let asked = 0;
const open = async () => {
  const opened = await Engine.open({
    cascades: folder,
    threads: 1,
    model: async () => {
      asked += 1;
      return { text: 'yes', finishReason: 'stop', usage: { inputTokens: 1, outputTokens: 1 } };
    },
  });
  await opened.query("CREATE TABLE t AS SELECT * FROM (VALUES (1, 'eco'), (2, 'fast')) v(a, b)");
  await opened.query('CREATE SCHEMA s');
  await opened.query('CREATE TABLE s.deep AS SELECT 5 AS x');
  await opened.query('CREATE VIEW plain AS SELECT a + 1 AS b FROM t');
  await opened.query(`CREATE VIEW leaks AS SELECT * FROM '${folder}/secret.csv'`);
  await opened.query('CREATE VIEW outer_leaks AS SELECT * FROM leaks');
  await opened.query('CREATE MACRO plus(x) AS x + 1');
  await opened.query('CREATE MACRO reads(p) AS TABLE SELECT * FROM read_text(p)');
  return opened;
};

/** For the tests that leave it as it is. */
const engine = await open();
test.after(async () => engine.close());

async function refusal(session: EngineSession, sql: string): Promise<RvbbitError> {
  try {
    await session.query(sql);
  } catch (thrown) {
    if (thrown instanceof RvbbitError) return thrown;
    throw thrown;
  }
  throw new Error(`it ran: ${sql}`);
}

async function value(session: EngineSession, sql: string): Promise<unknown> {
  const { rows } = await session.query(sql, undefined, { valueForm: 'json-numbers' });
  return Object.values(rows[0] ?? {})[0];
}

test('a read-only session runs queries of all shapes over tables, views and macros of the database', async () => {
  await using session = await engine.session({ readOnly: true });
  for (const sql of [
    'FROM t',
    'SELECT sum(a) FILTER (a > 1), count(*) OVER () FROM t GROUP BY ALL ORDER BY ALL LIMIT 3',
    'WITH x AS MATERIALIZED (SELECT 1 AS i), "Top Rows" AS (FROM x) SELECT * FROM "Top Rows"',
    'WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < 4) SELECT max(i) FROM r',
    'SELECT * FROM t JOIN plain ON a = plain.b POSITIONAL JOIN s.deep',
    'SELECT * FROM memory.s.deep UNION BY NAME SELECT x FROM s.deep',
    'SELECT plus(a), list_transform([1, 2], lambda x: x + a), [x * 2 FOR x IN [1, 2]] FROM plain, t',
    'SELECT DISTINCT ON (a) a, CAST([b] AS VARCHAR[1]), TRY(a::TINYINT), b COLLATE nocase FROM t',
    'UNPIVOT t ON a',
    "SELECT EXTRACT(year FROM DATE '2020-02-03'), position('a' IN 'ba'), INTERVAL 2 DAY, t.b.upper() FROM t",
    'SELECT * FROM range(3), unnest([1]), generate_series(1, 2)',
    "SELECT * FROM json_each('[1]')",
    'SELECT a, (SELECT max(x) FROM s.deep), EXISTS (FROM t) FROM t TABLESAMPLE 50%',
    'SELECT COLUMNS(*) FROM t QUALIFY row_number() OVER (ORDER BY a) = 1',
    'SELECT count(*) FROM information_schema.tables, pg_catalog.pg_class, duckdb_columns()',
    'DESCRIBE t',
    'DESCRIBE SELECT 1',
    'SUMMARIZE t',
    'SHOW TABLES',
    'SHOW ALL TABLES',
    'EXPLAIN SELECT 1',
    'EXPLAIN ANALYZE SELECT * FROM t',
    '-- a comment\nEXPLAIN (FORMAT JSON) FROM t',
    '/* one */ CREATE TEMP TABLE mine AS SELECT * FROM t',
    'FROM mine',
    'BEGIN',
    'COMMIT;',
  ]) {
    await session.query(sql).catch((thrown: Error) => {
      throw new Error(`${sql}: ${thrown.message}`);
    });
  }
  assert.is(await value(session, 'SELECT count(*) FROM t WHERE b = $1').catch(() => 'no'), 'no');
});

test('whatever writes, reads a file, or changes a setting is refused with 42501 and says why', async () => {
  await using session = await engine.session({ readOnly: true });
  for (const sql of [
    'INSERT INTO t VALUES (3, NULL)',
    'CREATE TABLE u AS SELECT 1',
    "COPY t TO '/tmp/x.csv'",
    `FROM '${folder}/secret.csv'`,
    'FROM secret.csv',
    `SELECT * FROM read_text('${folder}/secret.csv')`,
    "SELECT getenv('HOME')",
    'FROM leaks',
    'FROM outer_leaks',
    "FROM reads('/etc/passwd')",
    "ATTACH '/tmp/other.db'",
    'INSTALL httpfs',
    'LOAD httpfs',
    "PRAGMA enable_profiling = 'json'",
    'CALL enable_logging()',
    'SET threads = 1',
    'CREATE TEMP VIEW v AS SELECT 1',
    'CREATE TEMP MACRO m(x) AS x',
    "PREPARE p AS SELECT * FROM read_text('/etc/passwd')",
    "EXPLAIN ANALYZE COPY t TO '/tmp/x.csv'",
    "EXPLAIN SELECT * FROM read_csv('/etc/passwd')",
    "CREATE TEMP TABLE mine AS SELECT * FROM read_text('/etc/passwd')",
    'CHECKPOINT',
  ]) {
    const error = await refusal(session, sql);
    assert.is(error.sqlState, '42501', `${sql}: ${error.sqlState} ${error.message}`);
    assert.is(error.code, 'RVB_SQL', sql);
    assert.match(error.message, 'read-only session');
  }
  assert.is((await refusal(session, 'SELECT 1; DROP TABLE t')).code, 'RVB_MULTIPLE_STATEMENTS');
  assert.is((await refusal(session, 'SELECT * INTO x FROM t')).sqlState, '42601');
  assert.is((await refusal(session, 'FROM nowhere')).sqlState, '42P01');
  assert.is(await value(session, 'SELECT count(*) FROM t'), 2);
});

test('a macro by the name of a function or operator of DuckDB is no way around', async () => {
  await using engine = await open();
  const file = `(SELECT content FROM read_text('${folder}/secret.csv'))`;
  await engine.query(`CREATE MACRO upper(x) AS ${file}`);
  await engine.query(`CREATE MACRO lower(x) AS x || '!'`);
  await engine.query('CREATE VIEW shouts AS SELECT upper(b) AS u FROM t');
  await using reader = await engine.session({ readOnly: true });
  for (const sql of ["SELECT upper('a')", 'FROM shouts', "SELECT UPPER ('a')"]) {
    const error = await reader.query(sql).catch((thrown: RvbbitError) => thrown);
    assert.instance(error, RvbbitError, sql);
    assert.is((error as RvbbitError).sqlState, '42501', sql);
  }
  assert.equal((await reader.query("SELECT lower('A') AS v")).rows, [{ v: 'A!' }]);
  await engine.query(`CREATE MACRO "+"(a, b) AS ${file}`);
  assert.instance(await reader.query('SELECT 1 + 1').catch((thrown) => thrown), RvbbitError);
});

test('cascades run, and their SQL is held to the same rules', async () => {
  await using session = await engine.session({ readOnly: true });
  const map = "RVBBIT MAP PARALLEL 2 'twice.yaml' AS v USING (SELECT a AS n FROM t)";
  assert.is((await session.query(map)).rowCount, 2);
  assert.is(await value(session, `SELECT sum(v::INTEGER) FROM (${map})`), 6);
  const run = "RVBBIT RUN 'total.yaml' USING (SELECT range AS n FROM range(4))";
  assert.match(String(await value(session, run)), /"s":"?6/);
  assert.match(String(await value(session, "RVBBIT RUN 'keeps.yaml' USING (FROM t)")), 'success');
  const failed = await session.query("RVBBIT MAP 'writes.yaml' AS v USING (SELECT a AS n FROM t)");
  assert.is(failed.summary.rows.failed, 2);
  assert.match(failed.summary.failures[0]!.message, 'permission denied');
  assert.is(await value(session, 'SELECT count(*) FROM t'), 2);
  const leak = `RVBBIT MAP 'twice.yaml' USING (SELECT * FROM '${folder}/secret.csv')`;
  assert.is((await refusal(session, leak)).sqlState, '42501');
});

test('a statement that would write is refused before a model is asked', async () => {
  await using session = await engine.session({ readOnly: true });
  asked = 0;
  const map = "RVBBIT MAP 'asks.yaml' AS v USING (SELECT a AS n FROM t)";
  for (const sql of [
    `CREATE TABLE u AS ${map}`,
    `INSERT INTO t ${map}`,
    `COPY (${map}) TO '${folder}/out.csv'`,
    `CREATE TABLE u AS SELECT * FROM (${map})`,
    "CREATE TABLE u AS SELECT b MEANS 'green' AS g FROM t",
    "INSERT INTO t SELECT 1, b EXTRACTS 'x' FROM t",
    `COPY (SELECT b MEANS 'green' AS g FROM t) TO '${folder}/out.csv'`,
    "DELETE FROM t WHERE b MEANS 'green'",
    `SELECT v MEANS 'green' FROM '${folder}/secret.csv'`,
  ]) {
    const error = await refusal(session, sql);
    assert.is(error.sqlState, '42501', `${sql}: ${error.sqlState} ${error.message}`);
  }
  assert.is(asked, 0);
});

test('semantic SQL runs in a read-only session as in any other, kept answers included', async () => {
  const queries = [
    "SELECT a FROM t WHERE b MEANS 'green' ORDER BY a",
    "SELECT a, b EXTRACTS 'x' AS e FROM t ORDER BY a",
    "SELECT a FROM t WHERE b MEANS 'green' AND a < 2",
    "SELECT count(*) FROM t GROUP BY b MEANS 'green'",
    'SELECT CONDENSE(b) FROM t',
  ];
  const answers = async (session: EngineSession) => {
    const all = [];
    for (const sql of [...queries, ...queries]) all.push((await session.query(sql)).rows);
    return all;
  };
  await using writer = await engine.session();
  const expected = await answers(writer);
  await using fresh = await open();
  await using session = await fresh.session({ readOnly: true });
  assert.equal(await answers(session), expected);
});

test('a table or view that DuckDB does not find by a name that a file has is no leave to read the file', async () => {
  await using own = await open();
  const file = `${folder}/secret.csv`;
  await own.query(`CREATE VIEW s."${file}" AS SELECT 1 AS harmless`);
  await own.query(`CREATE TABLE s."${file.toUpperCase()}2" AS SELECT 1 AS harmless`);
  await own.query("ATTACH ':memory:' AS other");
  await own.query('CREATE SCHEMA other.deep');
  // DuckDB would read the file `…/secret.csv` for the schema `…/secret` and the table `csv`.
  const [schema, table] = [file.slice(0, -4), 'csv'];
  await own.query(`CREATE SCHEMA other."${schema}"`);
  await own.query(`CREATE VIEW other."${schema}"."${table}" AS SELECT 1 AS harmless`);
  await own.query(`CREATE VIEW other."${file}" AS SELECT 1 AS harmless`);
  await own.query(`CREATE TABLE "in.main" AS SELECT 1 AS a`);
  await using session = await own.session({ readOnly: true });
  const reads = [
    `FROM '${file}'`,
    `FROM "${file.toUpperCase()}2"`,
    `FROM "${schema}"."${table}"`,
    `FROM "${schema}".${table}`,
  ];
  for (const sql of reads) assert.is((await refusal(session, sql)).sqlState, '42501', sql);
  for (const sql of [`FROM s."${file}"`, `FROM other."${file}"`, 'FROM "in.main"', 'FROM main.t']) {
    assert.ok((await session.query(sql)).rowCount > 0, sql);
  }
  await session.query('CREATE TEMP TABLE "x.csv" AS SELECT 2 AS b');
  assert.is((await session.query('FROM "x.csv"')).rowCount, 1);
  await using neighbour = await own.session({ readOnly: true });
  assert.is((await refusal(neighbour, 'FROM "x.csv"')).sqlState, '42501');
});

test('what an earlier statement has read of the catalogue does not hide what others have changed since', async () => {
  await using own = await open();
  await using writer = await own.session();
  await using session = await own.session({ readOnly: true });
  await using neighbour = await own.session({ readOnly: true });
  const reads = 'SELECT abs(-1), plus(1) FROM plain';
  const evil = (name: string) =>
    `CREATE OR REPLACE MACRO ${name}(x) AS (SELECT content FROM read_text('${folder}/secret.csv'))`;
  const isRefused = async (who: EngineSession) =>
    who.query(reads).then(
      () => false,
      (thrown: RvbbitError) => thrown.sqlState === '42501',
    );
  const both = async (expected: boolean) => {
    for (const who of [session, neighbour, session]) assert.is(await isRefused(who), expected);
  };
  for (const name of ['abs', 'plus']) {
    await both(false);
    await writer.query(evil(name));
    await both(true);
    await writer.query(
      name === 'abs' ? 'DROP MACRO abs' : 'CREATE OR REPLACE MACRO plus(x) AS x + 1',
    );
    await both(false);
    // The macro is there from the end of the transaction on.
    await writer.query('BEGIN');
    await writer.query(evil(name));
    await both(false);
    await writer.query('INSERT INTO t VALUES (9, NULL)');
    await writer.query('COMMIT');
    await both(true);
    await writer.query('BEGIN');
    await writer.query(
      name === 'abs' ? 'DROP MACRO abs' : 'CREATE OR REPLACE MACRO plus(x) AS x + 1',
    );
    await writer.query('ROLLBACK');
    await both(true);
    // A transaction sees what was there at its start.
    await session.query('/* - */ BEGIN TRANSACTION');
    assert.is(await isRefused(session), true);
    await writer.query(
      name === 'abs' ? 'DROP MACRO abs' : 'CREATE OR REPLACE MACRO plus(x) AS x + 1',
    );
    assert.is(await isRefused(neighbour), false);
    assert.is(await isRefused(session), true);
    await session.query('ROLLBACK');
    assert.is(await isRefused(session), false);
    await session.query('BEGIN');
    assert.is(await isRefused(session), false);
    await writer.query(evil(name));
    assert.is(await isRefused(session), false);
    assert.is(await isRefused(neighbour), true);
    await session.query('COMMIT');
    await both(true);
    await writer.query(
      name === 'abs' ? 'DROP MACRO abs' : 'CREATE OR REPLACE MACRO plus(x) AS x + 1',
    );
  }
  await writer.query(`CREATE OR REPLACE VIEW plain AS SELECT * FROM '${folder}/secret.csv'`);
  await both(true);
});

test('the hundredth statement of a read-only session lists no functions', async () => {
  await using session = await engine.session({ readOnly: true });
  const lists = async () => {
    const { rows } = await engine.query<{ n: number }>(
      "SELECT count(*)::INTEGER AS n FROM duckdb_logs() WHERE type = 'QueryLog' AND message LIKE '%duckdb_functions()%' AND message NOT LIKE '%duckdb_logs%'",
    );
    return rows[0]!.n;
  };
  await session.query('SELECT plus(a) FROM t');
  await engine.query("CALL enable_logging('QueryLog')");
  try {
    // After a change it lists them once.
    await engine.query('CREATE OR REPLACE MACRO unused() AS 1');
    await session.query('SELECT plus(a) FROM t');
    const before = await lists();
    assert.is(before, 1);
    for (let a = 0; a < 100; a += 1) await session.query(`SELECT plus(a) FROM t WHERE a <> ${a}`);
    assert.is(await lists(), before);
  } finally {
    await engine.query('CALL disable_logging()');
  }
});

test.run();
