/** The catalogue of PostgreSQL over DuckDB: which statements it takes, what they show, and what it leaves alone. */

import { DuckDBInstance } from '@duckdb/node-api';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine } from '../../../../src/index.ts';
import { catalogueQuery } from '../../../../src/server/sql/catalogue/catalogue-query.ts';
import { PG_TYPES } from '../../../../src/server/sql/types/oids.ts';
import { makeFolder, removeFolder } from '../../../cli/spawn.ts';
import { Replay, recordedStatements } from './replay.ts';

const facts = { database: 'shop', user: 'ana' };
const replay = await Replay.open();
test.after(() => replay[Symbol.asyncDispose]());

const rowsOf = async (sql: string) => (await replay.ask(sql)).rows;

test('a statement that names no object of the catalogue is left alone', () => {
  for (const sql of [
    'SELECT * FROM products',
    "SELECT 'SELECT * FROM pg_class'",
    'SELECT 1 -- FROM pg_catalog.pg_class',
    'SELECT "pg_class" FROM notes',
    'SELECT t.pg_class FROM notes t',
    "SELECT note FROM notes WHERE note LIKE '%information_schema.tables%'",
    "SELECT current_setting('threads')",
    'SELECT array_upper FROM notes',
    "RVBBIT MAP 'pg_class.yaml' USING (SELECT * FROM notes)",
    "SELECT 'open",
  ]) {
    assert.is(catalogueQuery(sql, facts), undefined, sql);
  }
});

test('the statements of psql for tables, and for one table, have the rows of PostgreSQL', async () => {
  const ofPsql = recordedStatements().filter(({ client, sql, rows }) => client === 'psql' && Array.isArray(rows) && /pg_constraint|pg_index |pg_attribute|relkind IN \('r'/.test(sql)); // biome-ignore format: one condition
  let same = 0;
  for (const recorded of ofPsql.slice(0, 12)) {
    const outcome = await replay.compare(recorded);
    assert.not.ok(outcome.kind === 'error' || outcome.kind === 'columns', recorded.sql);
    if (outcome.kind === 'same') same++;
  }
  assert.ok(same >= 6, `${same} of ${ofPsql.length}`);
});

test('the relations agree on oids: columns, constraints and indexes meet their tables and types', async () => {
  const [row] = await rowsOf(`SELECT
    (SELECT count(*) FROM pg_attribute a LEFT JOIN pg_class c ON c.oid = a.attrelid WHERE c.oid IS NULL) AS columns,
    (SELECT count(*) FROM pg_attribute a LEFT JOIN pg_type t ON t.oid = a.atttypid WHERE t.oid IS NULL) AS types,
    (SELECT count(*) FROM pg_index i LEFT JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relkind IS DISTINCT FROM 'i') AS indexes,
    (SELECT count(*) FROM pg_constraint k LEFT JOIN pg_class c ON c.oid = k.conrelid WHERE c.oid IS NULL) AS constraints,
    (SELECT count(*) FROM pg_class c LEFT JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.oid IS NULL) AS schemas,
    (SELECT count(*) - count(DISTINCT oid) FROM pg_class) AS repeated`);
  assert.equal(Object.values(row!).map(Number), [0, 0, 0, 0, 0, 0]);
});

test('the types that the server sends are in pg_type with their oids, arrays and sizes', async () => {
  const rows = await rowsOf('SELECT typname, oid, typarray, typlen FROM pg_type');
  const known = new Map(
    rows.map(({ typname, ...rest }) => [typname, Object.values(rest).map(Number)]),
  );
  for (const [name, facts] of Object.entries(PG_TYPES))
    assert.equal(known.get(name), [...facts], name);
});

test('a table that another session makes, or an open transaction, is seen at once', async () => {
  const { session } = replay;
  await session.query('BEGIN');
  await session.query('CREATE TABLE fresh (a INTEGER)');
  assert.equal(await rowsOf("SELECT relname FROM pg_class WHERE relname = 'fresh'"), [
    { relname: 'fresh' },
  ]);
  await session.query('ROLLBACK');
  assert.equal(await rowsOf("SELECT relname FROM pg_class WHERE relname = 'fresh'"), []);
});

test('a temporary table is visible, in the schema by which DuckDB reads it', async () => {
  await replay.session.query('CREATE TEMP TABLE notepad (a INTEGER)');
  const rows =
    await rowsOf(`SELECT n.nspname, c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relname = 'notepad' AND pg_table_is_visible(c.oid)`);
  assert.equal(rows, [{ nspname: 'temp', name: 'notepad' }]);
  await replay.session.query('DROP TABLE notepad');
});

test('what the catalogue makes is no object of the user, and no database', async () => {
  assert.equal(await rowsOf('SELECT datname FROM pg_database'), [{ datname: 'shop' }]);
  const rows = await rowsOf(
    `SELECT table_name FROM information_schema.tables WHERE table_schema = 'main' ORDER BY 1`,
  );
  assert.equal(
    rows.map(({ table_name }) => table_name),
    ['cheap', 'makers', 'order_lines', 'products'],
  );
});

test('functions of the application are listed with their arguments', async () => {
  await using engine = await Engine.open({ stateDir: false });
  const functions = [
    { name: 'means', schema: 'main', arguments: [{ name: 'text', type: 'text' }, { name: 'criterion', type: 'text' }], returns: 'boolean', description: "asks a model, doesn't guess" },
  ]; // biome-ignore format: a function a line
  const query = catalogueQuery(
    `SELECT n.nspname, p.proname, pg_catalog.pg_get_function_arguments(p.oid), pg_catalog.pg_get_function_result(p.oid) AS result,
      pg_catalog.obj_description(p.oid, 'pg_proc') AS says FROM pg_catalog.pg_proc p LEFT JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
      WHERE n.nspname <> 'pg_catalog'`,
    { ...facts, functions },
  )!;
  for (const sql of query.setup) await engine.query(sql);
  const { rows } = await engine.query(query.sql);
  assert.equal(rows, [
    { nspname: 'main', proname: 'means', pg_get_function_arguments: 'text text, criterion text', result: 'boolean', says: "asks a model, doesn't guess" },
  ]); // biome-ignore format: a row a line
});

test('names, schemas and casts mean what they mean in PostgreSQL', async () => {
  await replay.session.query('CREATE SCHEMA odd');
  await replay.session.query('CREATE TABLE odd."My Table" (a INTEGER)');
  const rows =
    await rowsOf(`SELECT oid::regclass AS shown, 'odd."My Table"'::regclass = oid AS found, relname ~ '^My' AS starts,
    relname OPERATOR(pg_catalog.!~) 'x' COLLATE pg_catalog.default AS has_none, relname LIKE 'My\\_T%' AS escaped, relkind = ANY('{r,v}') AS kind,
    1::int / 2 AS half, current_database(), current_user FROM pg_class WHERE relnamespace = 'odd'::regnamespace`);
  assert.equal(rows, [
    { shown: 'odd."My Table"', found: true, starts: true, has_none: true, escaped: false, kind: true, half: 0, current_database: 'shop', current_user: 'ana' },
  ]); // biome-ignore format: a row a line
});

test('a read-only database has its catalogue, too', async () => {
  const folder = makeFolder({});
  const path = `${folder}/shop.duckdb`;
  const made = await DuckDBInstance.create(path);
  await (await made.connect()).run('CREATE TABLE kept (a INTEGER)');
  made.closeSync();
  const instance = await DuckDBInstance.create(path, { access_mode: 'READ_ONLY' });
  const engine = await Engine.open({ stateDir: false, database: instance });
  const query = catalogueQuery("SELECT relname FROM pg_class WHERE relname = 'kept'", facts)!;
  for (const sql of query.setup) await engine.query(sql);
  assert.equal((await engine.query(query.sql)).rows, [{ relname: 'kept' }]);
  await engine.close();
  instance.closeSync();
  removeFolder(folder);
});

test('the relations stand in statements that are no query', async () => {
  await replay.ask(
    `CREATE TABLE listed AS SELECT column_name FROM information_schema.columns WHERE table_name = 'makers'`,
  );
  assert.equal(await rowsOf('SELECT * FROM listed ORDER BY 1'), [
    { column_name: 'id' },
    { column_name: 'name' },
  ]);
  await replay.session.query('DROP TABLE listed');
});

test.run();
