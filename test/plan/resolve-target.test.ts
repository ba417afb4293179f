import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Session } from '../../src/duck/session.ts';
import { type CascadeStatement, resolveTarget } from '../../src/plan/resolve-target.ts';
import { StatementSignal } from '../../src/util/statement-signal.ts';
import { memorySession, rejection } from '../duck/support.ts';
import { only } from '../grammar/support.ts';

const SETUP = `
CREATE TABLE t(name VARCHAR, result VARCHAR);
CREATE VIEW v AS SELECT 'a' AS name, 'b' AS result;
CREATE TABLE wide(a VARCHAR, b VARCHAR, c VARCHAR);
CREATE TABLE computed(a VARCHAR, b VARCHAR, c VARCHAR GENERATED ALWAYS AS (a || b));
CREATE TEMP TABLE scratch(name VARCHAR, result VARCHAR);
CREATE TEMP VIEW glance AS SELECT 1 AS a;
CREATE TABLE "É"(a INT);
CREATE SCHEMA side;
CREATE TABLE side.t2(name VARCHAR, result VARCHAR);
ATTACH ':memory:' AS other;
CREATE TABLE other.far(name VARCHAR, result VARCHAR);
CREATE SCHEMA other.inner_one;
CREATE VIEW other.inner_one.seen AS SELECT 1 AS a;
CREATE SCHEMA twice;
ATTACH ':memory:' AS twice;`;

/** What may stand before the MAP. */
const HEADS: readonly string[] = [
  ...[
    't',
    'T',
    'main.T',
    'memory.t',
    'memory.main.t',
    'v',
    'fresh',
    'scratch',
    'glance',
    '"é"',
    '"É"',
  ],
  ...[
    't2',
    'side.t2',
    'SIDE.T2',
    'side.t',
    'other.far',
    'OTHER.main.FAR',
    'other.t',
    'nope.t',
    'a.b.c',
  ],
  ...[
    'other.inner_one.seen',
    'other.inner_one.t',
    'twice.t',
    'duckdb_tables',
    'pg_tables',
    'temp.t',
  ],
  ...['range', 'information_schema.t', 'memory.side.t2'],
].flatMap((name) => [
  `CREATE TABLE ${name} AS`,
  `CREATE OR REPLACE TABLE ${name} AS`,
  `CREATE TABLE IF NOT EXISTS ${name} AS`,
  `CREATE TEMP TABLE ${name} AS`,
  `CREATE OR REPLACE TEMP TABLE ${name} AS`,
  `INSERT INTO ${name}`,
]);
const MORE: readonly string[] = [
  'INSERT INTO wide',
  'INSERT INTO computed',
  'INSERT INTO wide (a, c)',
  'INSERT INTO wide (a, nocol)',
  'INSERT INTO wide (a)',
  'CREATE OR REPLACE TABLE IF NOT EXISTS fresh AS',
];

async function resolve(session: Session, text: string) {
  const scope = { session, stop: new StatementSignal([]), parameters: undefined };
  return resolveTarget(only(text) as CascadeStatement, scope, text);
}
const map = (head: string, rest = "USING (SELECT 'a' AS name)") => `${head} RVBBIT MAP 'x' ${rest}`;

for (const used of ['memory.main', 'memory.side', 'other.inner_one']) {
  test(`what DuckDB would refuse when all rows have run is refused before, and no more, in ${used}`, async () => {
    const session = await memorySession();
    await session.run(`${SETUP}\nUSE ${used}`);
    const outcome = (work: Promise<unknown>) =>
      work.then(
        () => 'taken',
        (error: Error) => error.message,
      );
    for (const head of [...HEADS, ...MORE]) {
      const before = await outcome(resolve(session, map(head)));
      await session.run('BEGIN');
      const after = await outcome(session.run(`${head} SELECT 'a' AS name, 'b' AS result`));
      await session.run('ROLLBACK');
      assert.is(before === 'taken', after === 'taken', `${head}: ${before}; ${after}`);
    }
    await session.close();
  });
}

test('IF NOT EXISTS leaves nothing to do only where the table would have been made', async () => {
  const session = await memorySession();
  await session.run(SETUP);
  const done = async (name: string) => (await resolve(session, map(`${name} AS`))).done;
  assert.is(await done('CREATE TABLE IF NOT EXISTS T'), true);
  assert.is(await done('CREATE TABLE IF NOT EXISTS v'), true);
  assert.is(await done('CREATE TEMP TABLE IF NOT EXISTS t'), false);
  assert.is(await done('CREATE TEMP TABLE IF NOT EXISTS SCRATCH'), true);
  assert.is(await done('CREATE TABLE IF NOT EXISTS scratch'), false);
  assert.is(await done('CREATE TABLE IF NOT EXISTS duckdb_tables'), false);
  await session.close();
});

test('as_table of a MAP after CREATE TABLE or INSERT INTO is refused at its place; a RUN may have it', async () => {
  const session = await memorySession();
  await session.run(SETUP);
  const rest = "USING (SELECT 'a' AS name)\nWITH (limit = 1, as_table = 'y')";
  for (const head of ['CREATE TABLE x AS', 'CREATE TABLE IF NOT EXISTS t AS', 'INSERT INTO t']) {
    const { code, place, message } = await rejection(resolve(session, map(head, rest)));
    assert.equal([code, place], ['RVB_UNSUPPORTED', { line: 2, column: 18 }], message);
    assert.match(message, head.startsWith('INSERT') ? /after INSERT INTO/ : /after CREATE TABLE/);
  }
  await resolve(session, `CREATE TABLE x AS RVBBIT RUN 'x' ${rest}`);
  await session.close();
});

test('what is wrong is told at the name, and leaves a transaction as it was', async () => {
  const session = await memorySession();
  await session.run(SETUP);
  await session.run('BEGIN');
  const error = await rejection(resolve(session, map('\n\nINSERT INTO nosuch')));
  assert.equal(
    [error.code, error.stage, error.place],
    ['RVB_SQL', 'bind', { line: 3, column: 13 }],
  );
  const view = await rejection(resolve(session, map('\rCREATE OR REPLACE TABLE\n v AS')));
  assert.equal([view.sqlState, view.stage, view.place], ['42P07', 'bind', { line: 3, column: 2 }]);
  const wide = await rejection(
    resolve(session, map('INSERT INTO t', "USING (FROM t) WITH (error_column = 'e')")),
  );
  assert.match(wide.message, /table t has 2 columns but 4 values/);
  await session.run('SELECT 1');
  await session.run('ROLLBACK');
  await session.close();
});

test.run();
