/** A client's session: transactions, savepoints, settings, cursors, prepared statements, and the facts that tools ask for. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { PgClient, query } from '../../support/pg-client.ts';
import { startServer } from './support.ts';

const server = await startServer();
const client = await PgClient.connect(server.port);
test.after(async () => {
  client.close();
  await server.close();
});

// A test that fails leaves no transaction open for the next.
test.before.each(async () => {
  await client.query('ROLLBACK');
});

/** Runs a text, and returns the tags or the error's SQLSTATE, with the status. */
async function said(sql: string): Promise<string> {
  const { tags, error, status } = await client.query(sql);
  return [...tags, ...(error === undefined ? [] : [error.get('C')]), status].join(' ');
}

test('each kind of statement ends with the tag of Postgres', async () => {
  const tags: Readonly<Record<string, string>> = {
    'CREATE TABLE tagged (i INTEGER)': 'CREATE TABLE I',
    'CREATE OR REPLACE TEMP TABLE copied AS SELECT 1 AS i': 'CREATE TABLE AS I',
    'INSERT INTO tagged VALUES (1), (2), (3)': 'INSERT 0 3 I',
    'WITH two AS (SELECT 2 AS i) INSERT INTO tagged SELECT i FROM two': 'INSERT 0 1 I',
    'UPDATE tagged SET i = 9 WHERE i = 2': 'UPDATE 2 I',
    'DELETE FROM tagged WHERE i = 9': 'DELETE 2 I',
    'INSERT INTO tagged VALUES (5) RETURNING i': 'INSERT 0 1 I',
    'FROM tagged': 'SELECT 3 I',
    'VALUES (1), (2)': 'SELECT 2 I',
    'EXPLAIN SELECT 1': 'EXPLAIN I',
    'CREATE VIEW seen AS SELECT 1 AS i': 'CREATE VIEW I',
    'DROP VIEW seen': 'DROP VIEW I',
    'ALTER TABLE tagged ADD COLUMN j INTEGER': 'ALTER TABLE I',
    'CREATE UNIQUE INDEX tagged_i ON tagged (i)': 'CREATE INDEX I',
    'SET threads = 2': 'SET I',
    'SHOW server_version_num': 'SHOW I',
  };
  for (const [sql, expected] of Object.entries(tags)) assert.is(await said(sql), expected, sql);
});

test('the status of the transaction is told with every answer', async () => {
  assert.is(await said('BEGIN'), 'BEGIN T');
  assert.is(await said('SELECT nope'), '42703 E');
  assert.is(await said('SELECT 1'), '25P02 E');
  assert.is(await said('COMMIT'), 'ROLLBACK I');
  assert.is(
    await said('START TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY'),
    'START TRANSACTION T',
  );
  assert.is(await said('CREATE TABLE refused (i INTEGER)'), '25006 E');
  assert.is(await said('ROLLBACK WORK'), 'ROLLBACK I');
  assert.equal((await client.query('COMMIT')).notices, ['there is no transaction in progress']);
  assert.match(
    (await client.query('BEGIN ISOLATION LEVEL SERIALIZABLE')).notices[0]!,
    /snapshot isolation/,
  );
  assert.is(await said('END'), 'COMMIT I');
  assert.is(await said('COMMIT AND CHAIN'), '0A000 I');
});

test('the statements of one simple query are one transaction', async () => {
  assert.is(
    await said('CREATE TABLE whole (i INTEGER); INSERT INTO whole VALUES (1); SELECT nope'),
    'CREATE TABLE INSERT 0 1 42703 I',
  );
  assert.is(await said('SELECT * FROM whole'), '42P01 I');
  assert.is(
    await said('CREATE TABLE whole (i INTEGER); BEGIN; INSERT INTO whole VALUES (1)'),
    'CREATE TABLE BEGIN INSERT 0 1 T',
  );
  assert.is(await said('ROLLBACK'), 'ROLLBACK I');
  assert.is(await said('SELECT * FROM whole'), '42P01 I');
});

test('a savepoint can be returned to as long as nothing was changed since, and never seems to undo what stays', async () => {
  await client.query('CREATE OR REPLACE TABLE saved (i INTEGER PRIMARY KEY)');
  assert.is(await said('SAVEPOINT early'), '25P01 I');
  assert.is(
    await said('BEGIN; SAVEPOINT a; SELECT 1; SAVEPOINT b'),
    'BEGIN SAVEPOINT SELECT 1 SAVEPOINT T',
  );
  assert.is(await said('SELECT nope'), '42703 E');
  assert.is(await said('ROLLBACK TO SAVEPOINT b'), 'ROLLBACK T');
  assert.is(await said('RELEASE a'), 'RELEASE T');
  assert.is(await said('ROLLBACK TO b'), '3B001 E');
  assert.is(
    await said('ROLLBACK; BEGIN; SAVEPOINT a; INSERT INTO saved VALUES (1)'),
    'ROLLBACK BEGIN SAVEPOINT INSERT 0 1 T',
  );
  const { error } = await client.query('ROLLBACK TO a');
  assert.is(error?.get('C'), '0A000');
  assert.match(error?.get('M') ?? '', /DuckDB has no savepoints/);
  assert.is(await said('COMMIT'), 'ROLLBACK I');
  assert.equal((await client.query('SELECT * FROM saved')).rows, []);
});

test('settings of Postgres are shown, set, reported and reset', async () => {
  for (const name of [
    'server_version',
    'client_encoding',
    'DateStyle',
    'TimeZone',
    'integer_datetimes',
    'standard_conforming_strings',
    'IntervalStyle',
  ]) {
    assert.ok(client.parameters.has(name), name);
  }
  assert.match(client.parameters.get('server_version')!, /^14\./);
  client.send(query('SET application_name = "my app"'));
  const told = (await client.until('Z')).find(({ type }) => type === 'S');
  assert.is(told?.body.toString(), 'application_name\0my app\0');
  assert.is(
    await said(
      "SET extra_float_digits = 3; SET DateStyle = 'ISO'; SET client_min_messages TO warning",
    ),
    'SET SET SET I',
  );
  assert.equal((await client.query('SHOW client_min_messages')).rows, [['warning']]);
  assert.is(await said("SET DateStyle = 'German'"), '22023 I');
  assert.is(await said("SET client_encoding = 'LATIN1'"), '22023 I');
  assert.is(await said('SET server_version = 9'), '55P02 I');
  assert.is(await said("BEGIN; SET LOCAL statement_timeout = '5s'; COMMIT"), 'BEGIN SET COMMIT I');
  assert.equal((await client.query('SHOW statement_timeout')).rows, [['0']]);
  assert.is(await said("SET myapp.tenant = 'a'"), 'SET I');
  assert.equal((await client.query('SHOW myapp.tenant')).rows, [['a']]);
  assert.is(await said('RESET ALL'), 'RESET I');
  assert.equal((await client.query('SHOW client_min_messages')).rows, [['notice']]);
  assert.equal((await client.query('SHOW transaction isolation level')).rows, [
    ['repeatable read'],
  ]);
});

test('a setting of DuckDB goes to DuckDB, and the search path to both', async () => {
  assert.is(
    await said('CREATE SCHEMA IF NOT EXISTS own; CREATE TABLE own.here AS SELECT 7 AS i'),
    'CREATE SCHEMA CREATE TABLE AS I',
  );
  assert.is(await said('SELECT * FROM here'), '42P01 I');
  assert.is(await said('SET search_path TO own, public'), 'SET I');
  assert.equal((await client.query('SELECT * FROM here')).rows, [['7']]);
  assert.equal((await client.query('SHOW search_path')).rows, [['own, public']]);
  assert.is(await said('RESET search_path'), 'RESET I');
  assert.is(await said('SELECT * FROM here'), '42P01 I');
  assert.is(await said('SET no_such_setting = 1'), '42704 I');
});

test('statement_timeout ends a statement', async () => {
  await client.query('SET statement_timeout = 100');
  const startMs = performance.now();
  const { error } = await client.query(
    'SELECT count(*) FROM range(3000000) a(i), range(300) b(j) WHERE (a.i * b.j) % 7 = 3',
  );
  assert.is(error?.get('C'), '57014');
  assert.match(error?.get('M') ?? '', /statement_timeout/);
  assert.ok(performance.now() - startMs < 3_000);
  await client.query('RESET statement_timeout');
});

test('a cursor gives its rows in parts, goes back to its start, and ends with its transaction', async () => {
  assert.is(await said('DECLARE c CURSOR FOR SELECT 1'), '25P01 I');
  assert.is(
    await said('BEGIN; DECLARE c NO SCROLL CURSOR WITHOUT HOLD FOR SELECT * FROM range(6)'),
    'BEGIN DECLARE CURSOR T',
  );
  const rowsOf = async (sql: string) => (await client.query(sql)).rows.flat();
  assert.equal(await rowsOf('FETCH 2 FROM c'), ['0', '1']);
  assert.equal(await rowsOf('FETCH NEXT c'), ['2']);
  assert.is(await said('MOVE FORWARD 1 IN c'), 'MOVE 1 T');
  assert.equal(await rowsOf('FETCH ALL IN c'), ['4', '5']);
  assert.is(await said('FETCH c'), 'FETCH 0 T');
  assert.is(await said('MOVE BACKWARD ALL IN c'), 'MOVE 6 T');
  assert.equal(await rowsOf('FETCH FORWARD 1 FROM c'), ['0']);
  assert.equal(await rowsOf('FETCH ABSOLUTE 4 c'), ['3']);
  assert.is(await said('CLOSE c'), 'CLOSE CURSOR T');
  assert.is(await said('FETCH c'), '34000 E');
  assert.is(
    await said('ROLLBACK; BEGIN; DECLARE d CURSOR FOR SELECT 1; COMMIT; FETCH d'),
    'ROLLBACK BEGIN DECLARE CURSOR COMMIT 34000 I',
  );
  assert.is(await said('BEGIN; DECLARE e CURSOR WITH HOLD FOR SELECT 1'), 'BEGIN 0A000 E');
  assert.is(
    await said('ROLLBACK; BEGIN; DECLARE f CURSOR FOR SELECT 1; FETCH BACKWARD 1 f'),
    'ROLLBACK BEGIN DECLARE CURSOR 55000 E',
  );
  const { error } = await client.query('ROLLBACK; BEGIN; DECLARE g CURSOR FOR SELECT nope');
  assert.is(error?.get('P'), String('ROLLBACK; BEGIN; DECLARE g CURSOR FOR SELECT '.length + 1));
  await client.query('ROLLBACK');
});

test('PREPARE and EXECUTE take values, and DEALLOCATE and DISCARD drop what is prepared', async () => {
  assert.is(await said('PREPARE plus (INTEGER, TEXT) AS SELECT $1 + 1 AS n, $2 AS t'), 'PREPARE I');
  assert.equal((await client.query("EXECUTE plus(40 + 1, 'it''s')")).rows, [['42', "it's"]]);
  assert.is(await said('EXECUTE plus(1)'), '08P01 I');
  assert.is(await said('PREPARE plus AS SELECT 1'), '42P05 I');
  assert.is(await said('DEALLOCATE PREPARE plus'), 'DEALLOCATE I');
  assert.is(await said('EXECUTE plus(1)'), '26000 I');
  assert.is(
    await said('CREATE TEMP TABLE gone AS SELECT 1; DISCARD ALL'),
    'CREATE TABLE AS DISCARD ALL I',
  );
  assert.is(await said('SELECT * FROM gone'), '42P01 I');
});

test('the facts that tools ask for at their start are answered as by Postgres', async () => {
  assert.match(String((await client.query('select version()')).rows[0]![0]), /^PostgreSQL 14\.\d/);
  assert.match(
    String((await client.query('SELECT pg_catalog.version();')).rows[0]![0]),
    /^PostgreSQL 14\.\d/,
  );
  assert.equal((await client.query('SELECT current_user AS me')).rows, [['tester']]);
  assert.equal((await client.query('SELECT current_schema()')).rows, [['main']]);
  assert.equal((await client.query('SELECT current_database()')).rows, [['default']]);
  assert.equal((await client.query('SELECT pg_backend_pid()')).rows, [[String(client.processId)]]);
});

test('what is not there is refused with the reason', async () => {
  assert.is(await said('LISTEN news'), '0A000 I');
  assert.is(await said('UNLISTEN *'), 'UNLISTEN I');
  assert.is(await said('SET ROLE admin'), '42501 I');
});

test('the errors of constraints have the SQLSTATEs that clients look for', async () => {
  await client.query(
    'CREATE OR REPLACE TABLE bound (i INTEGER PRIMARY KEY, n INTEGER NOT NULL, p INTEGER CHECK (p > 0))',
  );
  assert.is(await said('INSERT INTO bound VALUES (1, 1, 1), (1, 1, 1)'), '23505 I');
  assert.is(await said('INSERT INTO bound VALUES (2, NULL, 1)'), '23502 I');
  assert.is(await said('INSERT INTO bound VALUES (2, 1, -1)'), '23514 I');
});

test('a setting is undone with its transaction, and SET LOCAL ends with it', async () => {
  const shown = async (name: string) => (await client.query(`SHOW ${name}`)).rows[0]?.[0];
  await client.query(
    'CREATE SCHEMA IF NOT EXISTS other; CREATE OR REPLACE TABLE other.inside AS SELECT 1 AS v',
  );
  await client.query("SET application_name = 'first'");
  await client.query("BEGIN; SET application_name = 'second'; SET search_path = other");
  assert.is(await said('SELECT * FROM inside'), 'SELECT 1 T');
  await client.query('ROLLBACK');
  assert.is(await shown('application_name'), 'first');
  assert.is(await said('SELECT * FROM inside'), '42P01 I');
  for (const end of ['COMMIT', 'ROLLBACK']) {
    await client.query('BEGIN; SET LOCAL search_path = other; SET LOCAL TimeZone = 3');
    assert.is(await said('SELECT * FROM inside'), 'SELECT 1 T');
    await client.query(end);
    assert.is(await said('SELECT * FROM inside'), '42P01 I', end);
    assert.is(await shown('TimeZone'), 'UTC');
  }
  await client.query(
    "BEGIN; SET application_name = 'third'; SAVEPOINT s; SET application_name = 'fourth'",
  );
  await client.query('SELECT nope');
  await client.query('ROLLBACK TO s');
  assert.is(await shown('application_name'), 'third');
  await client.query('COMMIT');
  assert.is(await shown('application_name'), 'third');
  const outside = await client.query('SET LOCAL search_path = other');
  assert.equal(outside.notices, ['SET LOCAL can only be used in transaction blocks']);
  assert.is(await said('SELECT * FROM inside'), '42P01 I');
  assert.is(await said("SET application_name = 'kept'; SELECT nope"), 'SET 42703 I');
  assert.is(await shown('application_name'), 'third');
});

test('set_config sets what SET does, and current_setting reads what SHOW does', async () => {
  const one = async (sql: string) => (await client.query(sql)).rows[0];
  await client.query('BEGIN');
  assert.equal(
    await one(
      "SELECT set_config('myapp.user', 'bob', true), pg_catalog.set_config('search_path', 'other', false) AS p",
    ),
    ['bob', 'other'],
  );
  assert.equal(await one("SELECT current_setting('myapp.user'), current_setting('search_path')"), [
    'bob',
    'other',
  ]);
  assert.is(await said('SELECT * FROM inside'), 'SELECT 1 T');
  await client.query('COMMIT');
  assert.is(await said('SELECT * FROM inside'), 'SELECT 1 I');
  assert.equal(await one("SELECT current_setting('myapp.user', true)"), [null]);
  const { rows, columns } = await client.extended('SELECT set_config($1, $2, false)', [
    'search_path',
    'main',
  ]);
  assert.equal([rows, columns[0]?.name], [[['main']], 'set_config']);
  assert.is(await said("SELECT set_config('nope', '', false)"), '42704 I');
  assert.is(await said("SELECT 1 + set_config('a.b', '1', false)::INTEGER"), '22023 I');
  assert.is(await said("SELECT set_config('a.b', 'c', false) FROM range(2)"), 'SELECT 2 I');
  const ofAll = "FROM pg_show_all_settings() WHERE name = 'bytea_output'";
  assert.is(await said(`SELECT set_config('bytea_output', 'hex', false) ${ofAll}`), 'SELECT 1 I');
});

test('a time zone is a name, hours to the east, an interval, or an offset as POSIX counts it', async () => {
  const at =
    "SELECT TIMESTAMPTZ '2024-07-01 12:00:00+00' AS t, TIMESTAMPTZ '2024-07-01 12:00:00+00'::VARCHAR AS own";
  for (const [zone, shown] of [
    ['-7', '05:00:00-07'],
    ["'3'", '15:00:00+03'],
    ["'-03:00'", '15:00:00+03'],
    ["'utc+2'", '10:00:00-02'],
    ["INTERVAL '-05:00' HOUR TO MINUTE", '07:00:00-05'],
    ["'Europe/Berlin'", '14:00:00+02'],
    ['LOCAL', '12:00:00+00'],
    ["INTERVAL '2 hours'", '14:00:00+02'],
    ['DEFAULT', '12:00:00+00'],
  ] as const) {
    assert.is(await said(`SET TIME ZONE ${zone}`), 'SET I', zone);
    assert.equal(
      (await client.query(at)).rows,
      [[`2024-07-01 ${shown}`, `2024-07-01 ${shown}`]],
      zone,
    );
  }
  const zone = await client.query('SHOW TIME ZONE');
  assert.equal([zone.columns[0]?.name, zone.rows], ['TimeZone', [['UTC']]]);
  assert.is(await said("SET TIME ZONE '-05:30'"), '22023 I');
  assert.is(await said("SET TIME ZONE INTERVAL '1 day'"), '22023 I');
});

test('PREPARE enforces its types, also of parameters that are not used', async () => {
  const rowsOf = async (sql: string) => (await client.query(sql)).rows;
  await client.query('PREPARE unused (INTEGER, TEXT) AS SELECT $1');
  assert.equal(await rowsOf("EXECUTE unused(1.5, 'x')"), [['2']]);
  assert.is(await said("EXECUTE unused('abc', 'x')"), '22000 I');
  assert.is((await client.query("EXECUTE unused(1, 'x')")).columns[0]?.oid, 23);
  await client.query('PREPARE listed (INTEGER[], NUMERIC) AS SELECT list_append($1, 3), $2 + 1');
  assert.equal(await rowsOf("EXECUTE listed([1, 2], '12345678901234567890e2')"), [
    ['{1,2,3}', '1234567890123456789001'],
  ]);
});

test('a savepoint that is released after a change is kept, as ORMs use them', async () => {
  assert.is(
    await said(
      'BEGIN; CREATE OR REPLACE TABLE orm (i INTEGER); SAVEPOINT sa_1; INSERT INTO orm VALUES (1); RELEASE SAVEPOINT sa_1; COMMIT',
    ),
    'BEGIN CREATE TABLE SAVEPOINT INSERT 0 1 RELEASE COMMIT I',
  );
  assert.equal((await client.query('SELECT * FROM orm')).rows, [['1']]);
});

test.run();
