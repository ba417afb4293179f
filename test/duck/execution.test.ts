/** The two ways in which a statement is run: the outcome is the same. */
import { setTimeout as sleep } from 'node:timers/promises';
import { DuckDBInstance } from '@duckdb/node-api';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { acquireDatabase } from '../../src/duck/registry.ts';
import { type Parameters, Session } from '../../src/duck/session.ts';
import { RvbbitError } from '../../src/errors.ts';
import { holdExecutions } from '../support/hold-executions.ts';
import { memorySession, rejection, withFolder } from './support.ts';

const LONG = 'SELECT count(*) FROM range(3000000) a(i), range(3000) b(j) WHERE (a.i * b.j) % 7 = 3';

async function inSteps<T>(work: () => Promise<T>): Promise<T> {
  const giveBack = holdExecutions();
  try {
    return await work();
  } finally {
    giveBack();
  }
}

/** What comes of a statement, with all that a caller can see of it. */
async function outcomeOf(session: Session, sql: string, parameters?: Parameters): Promise<unknown> {
  try {
    const reader = await session.run(sql, { parameters });
    const columns = reader.columns.map(({ name, type }) => `${name} ${type}`);
    return { columns, changes: reader.changes, rows: await reader.rows('json') };
  } catch (thrown) {
    if (!(thrown instanceof RvbbitError)) throw thrown;
    const { code, message, sqlState, stage, place } = thrown;
    return { code, message, sqlState, stage, place };
  }
}

/** One after another on one connection: each depends on what those before have left. */
const statements = (folder: string): readonly string[] => [
  'SELECT 1',
  'CREATE TABLE t AS SELECT range AS x FROM range(3000)',
  'INSERT INTO t VALUES (1), (2) RETURNING x',
  'UPDATE t SET x = 9 WHERE x = 1 RETURNING *',
  'UPDATE t SET x = 9 WHERE x = 3',
  'DELETE FROM t WHERE x = 2',
  'CREATE TEMP TABLE u (a INTEGER PRIMARY KEY, b VARCHAR)',
  "INSERT INTO u VALUES (1, 'a')",
  "INSERT INTO u VALUES (1, 'a')",
  "INSERT INTO u VALUES (1, 'a') ON CONFLICT DO UPDATE SET b = 'z'",
  "MERGE INTO u USING (SELECT 2 AS a) s ON u.a = s.a WHEN NOT MATCHED THEN INSERT VALUES (s.a, 'm')",
  `COPY t TO '${folder}/t.csv'`,
  `COPY t FROM '${folder}/t.csv'`,
  `COPY t FROM '${folder}/nothing.csv'`,
  'PRAGMA table_info(t)',
  'PRAGMA show_tables',
  'PIVOT t ON x % 2 USING count(*)',
  'PIVOT t ON x IN (4, 9) USING count(*)',
  'UNPIVOT (SELECT 1 AS a, 2 AS b) ON a, b',
  'EXPLAIN SELECT x FROM t',
  "SET TimeZone = 'Asia/Tokyo'",
  "SELECT current_setting('TimeZone')",
  'SET nothing = 1',
  'SET VARIABLE v = 5',
  "SELECT getvariable('v')",
  'SUMMARIZE u',
  'BEGIN',
  'BEGIN',
  'SELECT 1',
  'COMMIT',
  'ROLLBACK',
  'BEGIN',
  'INSERT INTO t VALUES (77)',
  'SELECT nothing FROM t',
  'SELECT count(*) FROM t',
  'ROLLBACK',
  'SELECT count(*) FROM t',
  'BEGIN',
  "SELECT CAST(CASE WHEN range = 250000 THEN 'x' ELSE '1' END AS INT) FROM range(300000)",
  'SELECT 4',
  'COMMIT',
  'COMMIT',
  "INSERT INTO u SELECT 100 + range, 'v' FROM range(5000) WHERE range < 4000 OR error('late')",
  'SELECT count(*) FROM u',
  "SELECT 'abc'::INT",
  "SELECT error('told')",
  "ATTACH ':memory:' AS other",
  "ATTACH ':memory:' AS other",
  'USE other',
  'CREATE TABLE o (x INT)',
  'USE memory',
  'FROM other.o',
  'DETACH other',
  'CALL range(3)',
  'CALL nothing()',
  'SELECT ?',
  'SELECT $a',
  'PREPARE p AS SELECT ?::INT + 1 AS v',
  'EXECUTE p(1)',
  'EXECUTE p(1, 2)',
  'EXECUTE nothing',
  'CREATE MACRO m(a) AS a + 1',
  'CREATE MACRO m(a) AS a + 1',
  'SELECT m(2)',
  'ALTER TABLE t ADD COLUMN y INTEGER DEFAULT 3',
  'CREATE SEQUENCE s',
  "SELECT nextval('s')",
  'DROP TABLE nothing',
  'CREATE TABLE n (x INT); INSERT INTO n VALUES (1), (2); UPDATE n SET x = 3',
  "INSERT INTO n VALUES (4); SELECT error('second'); INSERT INTO n VALUES (5)",
  'FROM n',
  'CHECKPOINT',
  'VACUUM',
  '',
  'SELEKT',
  'SELECT 1 AS a, range % 2 AS g, sum(range) FROM range(9) GROUP BY ALL ORDER BY ALL',
];

const bound: readonly (readonly [string, Parameters])[] = [
  ['SELECT $a::INT + 1 AS v', { a: 3 }],
  ['SELECT $a::INT + 1 AS v', { a: 'x' }],
  ['INSERT INTO t (x) SELECT range FROM range(?) RETURNING x', [3]],
  ['DELETE FROM t WHERE x > ?', [2990]],
  ['SELECT 1 / ?, 1', [0]],
  ['SELECT 1; SELECT ?', [0]],
  ['SELECT $b', { a: 1 }],
];

test('a statement has the same outcome in one call and in steps', async () => {
  await withFolder(async (folder) => {
    const all = async () => {
      await using session = await memorySession();
      const outcomes: unknown[] = [];
      for (const sql of statements(folder)) outcomes.push([sql, await outcomeOf(session, sql)]);
      for (const [sql, parameters] of bound) {
        outcomes.push([sql, await outcomeOf(session, sql, parameters)]);
      }
      return outcomes;
    };
    assert.equal(await inSteps(all), await all());
  });
});

test('a statement in steps ends when it is cancelled, and the session stays usable', async () => {
  await inSteps(async () => {
    await using session = await memorySession();
    const abort = new AbortController();
    const running = rejection(session.run(LONG, { signal: abort.signal }));
    await sleep(20);
    abort.abort();
    assert.is((await running).code, 'RVB_CANCELLED');
    assert.equal(await (await session.run('SELECT 1 AS x')).rows('json'), [{ x: 1 }]);
  });
});

test('a session closes while its statement is run in steps, and its transaction is rolled back', async () => {
  await inSteps(async () => {
    const lease = await acquireDatabase(':memory:');
    await using other = await Session.open(lease);
    const session = await Session.open(lease);
    await lease.release();
    await other.run('CREATE TABLE t (x BIGINT)');
    await session.run('BEGIN');
    await session.run('INSERT INTO t VALUES (1)');
    const running = rejection(session.run(`INSERT INTO t ${LONG}`));
    await sleep(20);
    await session.close();
    assert.is((await running).code, 'RVB_CLOSED');
    assert.is((await other.run('FROM t')).rowCount, 0);
  });
});

test('short statements end beside long ones in steps, with one thread too and in an instance that is handed in', async () => {
  const handed = await DuckDBInstance.create(':memory:', { threads: '1' });
  for (const database of [':memory:', handed]) {
    await inSteps(async () => {
      const lease = await acquireDatabase(database);
      const busy = await Promise.all(Array.from({ length: 3 }, () => Session.open(lease)));
      const session = await Session.open(lease);
      await lease.release();
      const running = busy.map((one) => rejection(one.run(LONG)));
      await sleep(20);
      await session.run('SET threads = 1');
      for (let n = 0; n < 3; n += 1) assert.is((await session.run('SELECT 1')).rowCount, 1);
      await Promise.all([session, ...busy].map((one) => one.close()));
      for (const { code } of await Promise.all(running)) assert.is(code, 'RVB_CLOSED');
    });
  }
  handed.closeSync();
});

test.run();
