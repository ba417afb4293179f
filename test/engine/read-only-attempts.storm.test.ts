/** Attempts to get out of a read-only session: a canary file stays unread, nothing is written, no setting changes. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TABLE_FUNCTIONS, VALUE_FUNCTIONS } from '../../src/duck/read-only/allowed-functions.ts';
import { Engine, type RvbbitError } from '../../src/index.ts';
import { makeFolder, removeFolder } from '../cli/spawn.ts';

const CANARY = 'canary-4711-unread';
const folder = makeFolder({
  'canary.csv': `k\n${CANARY}\n`,
  'canary.txt': CANARY,
  'canary.json': `[{"k": "${CANARY}"}]`,
  'cell.yaml': `cascade_id: cell
cells:
  - { name: a, tool: sql_data, inputs: { query: "SELECT * FROM read_text('canary.txt')" } }
`,
});
test.after(() => removeFolder(folder));

/** Values that a function may take for a file, a query, a name or a number. */
const ARGUMENTS = ["'$/canary.csv'", "'$/*'", "'FROM ''$/canary.csv'''", ''];

/** Each query is tried by itself and within every second of these. */
const WITHIN = [
  'SELECT (SELECT count(*) FROM (@))',
  'WITH x AS (@) FROM x',
  'WITH x AS MATERIALIZED (@) SELECT 1 WHERE EXISTS (FROM x)',
  'SELECT 1 UNION ALL SELECT 2 FROM (@)',
  'SELECT * FROM t, LATERAL (@)',
  'EXPLAIN ANALYZE @',
  'EXPLAIN @',
  'DESCRIBE @',
  'SUMMARIZE @',
  'CREATE TEMP TABLE mine AS @',
  'PREPARE p AS @',
  "RVBBIT MAP 'cell.yaml' USING (@)",
  "RVBBIT RUN 'cell.yaml' USING (@)",
  "SELECT count(*) FROM (RVBBIT MAP 'cell.yaml' USING (@))",
  "SELECT b MEANS 'x' FROM (SELECT 'a' AS b FROM (@))",
];

const QUERIES = [
  "FROM '$/canary.csv'",
  'FROM "$/canary.csv"',
  "SELECT * FROM '$/canary.json'",
  "FROM read_text('$/canary.txt')",
  "SELECT * FROM glob('$/*')",
  "FROM query('FROM ''$/canary.csv''')",
  "FROM query_table('$/canary.csv')",
  "SELECT * FROM histogram('$/canary.csv', k)",
  "SELECT * FROM sniff_csv('$/canary.csv')",
  'FROM reads',
  "FROM reads_macro('$/canary.txt')",
  "SELECT scalar_reads('$/canary.txt')",
  "SELECT getenv('HOME')",
  "FROM sql_auto_complete('FROM ''$/')",
  "SELECT json_serialize_plan('FROM ''$/canary.csv''')",
  "FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
];

const STATEMENTS = [
  "COPY t TO '$/out.csv'",
  "COPY (SELECT 1) TO '$/out.csv'",
  "COPY t FROM '$/canary.csv'",
  'COPY FROM DATABASE memory TO temp',
  "EXPORT DATABASE '$/out'",
  "IMPORT DATABASE '$/out'",
  "ATTACH '$/out.db'",
  "ATTACH ':memory:' AS other",
  'DETACH memory',
  'USE s',
  'INSTALL httpfs',
  'LOAD httpfs',
  "LOAD '$/x.duckdb_extension'",
  'FORCE INSTALL json',
  'UPDATE EXTENSIONS',
  'CREATE SECRET x (TYPE s3)',
  'DROP SECRET x',
  'FROM duckdb_secrets()',
  "FROM which_secret('s3://a', 's3')",
  'CREATE TABLE u (a INT)',
  'CREATE OR REPLACE TABLE t AS SELECT 1',
  'CREATE VIEW v AS SELECT 1',
  'CREATE TEMP VIEW v AS SELECT 1',
  'CREATE MACRO x(a) AS a',
  'CREATE TEMP MACRO x(a) AS TABLE FROM read_text(a)',
  'CREATE SEQUENCE q',
  "CREATE TYPE m AS ENUM ('a')",
  'CREATE SCHEMA z',
  'CREATE INDEX i ON t (a)',
  'INSERT INTO t VALUES (1)',
  'INSERT INTO temp.t VALUES (1)',
  'UPDATE t SET a = 2',
  'DELETE FROM t',
  'TRUNCATE t',
  'MERGE INTO t USING t x ON t.a = x.a WHEN MATCHED THEN DELETE',
  'DROP TABLE t',
  'ALTER TABLE t ADD COLUMN z INT',
  "COMMENT ON TABLE t IS 'x'",
  'CHECKPOINT',
  'FORCE CHECKPOINT',
  'VACUUM',
  'ANALYZE',
  'PRAGMA enable_profiling',
  "PRAGMA enable_profiling='json'",
  "PRAGMA profiling_output='$/out.json'",
  "PRAGMA log_query_path='$/out.log'",
  'PRAGMA version',
  "PRAGMA import_database('$')",
  "PRAGMA add_parquet_key('k', '0123456789112345')",
  'CALL enable_logging()',
  "CALL enable_logging(storage = 'file', storage_path = '$/log')",
  'CALL pragma_version()',
  'CALL checkpoint()',
  "SET profile_output = '$/out.json'",
  "SET log_query_path = '$/out.log'",
  "SET temp_directory = '$/tmp'",
  'SET enable_external_access = true',
  "SET GLOBAL allowed_directories = ['/']",
  "SET search_path = 's'",
  "SET VARIABLE x = (SELECT content FROM read_text('$/canary.txt'))",
  'RESET enable_external_access',
  "SELECT nextval('q')",
  "SELECT write_log('x')",
  "SELECT current_setting('secret_directory')",
  'FROM duckdb_settings()',
  'FROM duckdb_logs',
  'FROM pg_settings',
  'SELECT * FROM arrow_scan(0, 0, 0)',
  'SELECT * FROM seq_scan(0)',
  'PREPARE p AS SELECT 1',
  'EXECUTE p',
  'DEALLOCATE p',
  'BEGIN; DROP TABLE t; COMMIT',
  'EXPLAIN ANALYZE INSERT INTO t VALUES (1)',
  'EXPLAIN (ANALYZE, FORMAT JSON) DELETE FROM t',
  'EXPLAIN ANALYZE CREATE TABLE u AS SELECT 1',
  "EXPLAIN CREATE TEMP TABLE u AS FROM '$/canary.csv'",
  'CREATE TEMP TABLE u AS SELECT 1; DROP TABLE t',
  '/* a /* b */ */ DROP TABLE t',
  '--\nDROP TABLE t',
  '--\rDROP TABLE t',
  ';DROP TABLE t',
  'EXPLAIN/**/ANALYZE DELETE FROM t',
  'CREATE TEMP TABLE "x" AS SELECT 1; COPY t TO \'$/out.csv\'',
  'PIVOT t ON a USING sum(a)',
  "INSERT INTO t RVBBIT MAP 'cell.yaml' USING (FROM t)",
  "CREATE TABLE u AS RVBBIT MAP 'cell.yaml' USING (FROM t)",
  "RVBBIT MAP 'cell.yaml' USING (SELECT 1) x; COPY t TO '$/out.csv'",
  "RVBBIT MAP 'cell.yaml' USING (SELECT 1) UNION (SELECT 2)",
  "RVBBIT RUN 'cell.yaml' USING (FROM t) WITH (schema = 's')",
];

/** Built-in functions that were looked at and are refused, apart from those that are refused by kind. */
const REFUSED =
  /^(?:__internal_\w+|icu_\w+|arrow_scan\w*|\w+_scan|read_\w+|glob|sniff_csv|parquet_\w+|query\w*|checkpoint|force_checkpoint|(?:en|dis)able_\w+|check_peg_parser|duckdb_\w+|pragma_\w+|json_execute_serialized_sql|json_serialize_plan|sql_auto_complete|summary|test_vector_types|truncate_duckdb_logs|which_secret|write_log|current_setting|nextval|currval|combine|finalize|get_block_size|inet_\w+|parse_duckdb_log_message|pg_conf_load_time|pg_postmaster_start_time|stats|variant_bytes_to_variant|vector_type|histogram|histogram_values)$/;

async function open(): Promise<Engine> {
  const engine = await Engine.open({ cascades: folder, threads: 1 });
  await engine.query('CREATE TABLE t AS SELECT 1 AS a');
  await engine.query('CREATE SCHEMA s');
  await engine.query('CREATE SEQUENCE q');
  await engine.query(`CREATE VIEW reads AS FROM '${folder}/canary.csv'`);
  await engine.query('CREATE MACRO reads_macro(p) AS TABLE SELECT * FROM read_text(p)');
  await engine.query('CREATE MACRO scalar_reads(p) AS (SELECT content FROM read_text(p))');
  return engine;
}

test('no attempt reads the canary, writes a file, or changes the database', async () => {
  await using engine = await open();
  await using session = await engine.session({ readOnly: true });
  const before = readdirSync(folder).sort();
  const settings = async () =>
    JSON.stringify((await engine.query('SELECT name, value FROM duckdb_settings()')).rows);
  const settingsBefore = await settings();
  const { rows } = await engine.query(
    "SELECT DISTINCT function_name AS name, function_type AS kind FROM duckdb_functions() WHERE regexp_matches(function_name, 'read|scan|glob|copy|http|secret|getenv|file|query|log|parquet|sniff|execute|checkpoint|setting|profil|load|attach|serial', 'i')",
  );
  const named = rows.flatMap(({ name, kind }, index) => {
    const [one, other] = [ARGUMENTS[index % 2], ARGUMENTS[2 + (index % 2)]];
    if (kind === 'pragma') return [`PRAGMA ${String(name)}(${one})`];
    return [
      `FROM ${String(name)}(${one})`,
      `SELECT ${String(name)}(${one})`,
      `CALL ${String(name)}(${other})`,
    ];
  });
  const nested = QUERIES.flatMap((query, index) =>
    WITHIN.filter((_, at) => (at + index) % 2 === 0).map((around) => around.replace('@', query)),
  );
  const attempts = [...STATEMENTS, ...QUERIES, ...nested, ...named];
  const states = new Map<string, number>();
  for (const attempt of attempts) {
    const sql = attempt.replaceAll('$', folder);
    const ended = await session.query(sql, undefined, { valueForm: 'json' }).then(
      ({ rows: found }) => ({ outcome: 'ran', told: JSON.stringify(found) }),
      (thrown: RvbbitError) => ({ outcome: thrown.sqlState, told: thrown.message }),
    );
    const { outcome, told } = ended;
    assert.not.match(told, CANARY, sql);
    if (sql.includes('/*')) assert.not.match(told, 'canary.', sql);
    states.set(outcome, (states.get(outcome) ?? 0) + 1);
    if (STATEMENTS.includes(attempt) || QUERIES.includes(attempt) || nested.includes(attempt)) {
      assert.ok(outcome !== 'ran', `it ran: ${sql}`);
    }
  }
  assert.equal(readdirSync(folder).sort(), before);
  assert.is(await settings(), settingsBefore);
  assert.is(readFileSync(join(folder, 'canary.txt'), 'utf8'), CANARY);
  const { rows: left } = await engine.query('SELECT count(*)::INTEGER AS n, max(a) AS m FROM t');
  assert.equal(left, [{ n: 1, m: 1 }]);
  const refused = states.get('42501') ?? 0;
  const others = [...states].map(([state, count]) => `${state}: ${count}`).join(', ');
  console.log(`cases: ${attempts.length} attempts, ${refused} refused with 42501 (${others})`);
  assert.ok(refused > 150);
});

test('every function of this DuckDB is either allowed or was looked at and refused', async () => {
  await using engine = await open();
  const { rows } = await engine.query(
    "SELECT DISTINCT lower(function_name) AS name, function_type AS kind FROM duckdb_functions() WHERE internal AND function_type <> 'pragma'",
  );
  const names = rows.map(({ name, kind }) => ({
    name: String(name),
    isTable: String(kind).startsWith('table'),
  }));
  const undecided = names.filter(
    ({ name, isTable }) =>
      !(isTable ? TABLE_FUNCTIONS : VALUE_FUNCTIONS).has(name) && !REFUSED.test(name),
  );
  assert.equal(undecided, []);
  const known = new Set(names.map(({ name }) => name));
  const gone = [...VALUE_FUNCTIONS, ...TABLE_FUNCTIONS].filter((name) => !known.has(name));
  assert.equal(gone, []);
  console.log(`cases: ${names.length} functions decided`);
});

test.run();
