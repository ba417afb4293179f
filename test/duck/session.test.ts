import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { acquireDatabase } from '../../src/duck/registry.ts';
import { Session } from '../../src/duck/session.ts';
import { memorySession, rejection, rowsOf, withFolder } from './support.ts';

const LONG = 'SELECT count(*) FROM range(100000000000) a WHERE hash(a.range) = 1';

test('statements of one session run in the order in which they were asked for', async () => {
  await using session = await memorySession();
  await session.run('CREATE TABLE t(i INTEGER)');
  await Promise.all(
    Array.from({ length: 50 }, (_, i) =>
      session.run(`INSERT INTO t SELECT ${i} WHERE (SELECT count(*) FROM t) = ${i}`),
    ),
  );
  assert.equal(await rowsOf(session, 'SELECT count(*) AS n FROM t'), [{ n: 50 }]);
});

test('an abort ends a running query, and the session and its neighbour go on', async () => {
  const lease = await acquireDatabase(':memory:');
  await using session = await Session.open(lease);
  await using neighbour = await Session.open(lease);
  await lease.release();
  const abort = new AbortController();
  const running = rejection(session.run(LONG, { signal: abort.signal }));
  const beside = neighbour.run(
    'SELECT count(*) AS n FROM range(20000000) a WHERE hash(a.range) % 2 < 2',
  );
  const queued = session.run('SELECT 1 AS one');
  await sleep(100);
  const start = performance.now();
  abort.abort();
  const error = await running;
  assert.is(error.code, 'RVB_CANCELLED');
  assert.ok(performance.now() - start < 1_000);
  assert.equal(await (await queued).rows('json'), [{ one: 1 }]);
  assert.equal(await (await beside).rows('json'), [{ n: 20_000_000 }]);
});

test('an abort in the moment a query starts is not lost', async () => {
  await using session = await memorySession();
  for (let round = 0; round < 20; round += 1) {
    const abort = new AbortController();
    const running = rejection(session.run(LONG, { signal: abort.signal }));
    await sleep(round % 4);
    abort.abort();
    assert.is((await running).code, 'RVB_CANCELLED');
  }
  assert.equal(await rowsOf(session, 'SELECT 1 AS one'), [{ one: 1 }]);
});

test('an abort while waiting rejects at once and never touches the running statement', async () => {
  await using session = await memorySession();
  const first = session.run(
    'SELECT count(*) AS n FROM range(60000000) a WHERE hash(a.range) % 2 < 2',
  );
  const abort = new AbortController();
  const waiting = rejection(session.run('SELECT 2', { signal: abort.signal }));
  await sleep(5);
  const start = performance.now();
  abort.abort();
  assert.is((await waiting).code, 'RVB_CANCELLED');
  assert.ok(performance.now() - start < 50);
  assert.equal(await (await first).rows('json'), [{ n: 60_000_000 }]);
});

test('a signal that is aborted already runs nothing', async () => {
  await using session = await memorySession();
  const error = await rejection(
    session.run('CREATE TABLE t(i INT)', { signal: AbortSignal.abort() }),
  );
  assert.is(error.code, 'RVB_CANCELLED');
  assert.equal(await rowsOf(session, 'SHOW TABLES'), []);
});

test('closing ends the running statement and refuses the waiting and the later ones', async () => {
  const session = await memorySession();
  const running = rejection(session.run(LONG));
  const waiting = rejection(session.run('SELECT 1'));
  await sleep(50);
  await session.close();
  assert.is((await running).code, 'RVB_CLOSED');
  assert.is((await waiting).code, 'RVB_CLOSED');
  assert.is((await rejection(session.run('SELECT 1'))).code, 'RVB_CLOSED');
  await session.close();
});

test('errors carry the SQLSTATE of their class and their place', async () => {
  await using session = await memorySession();
  await session.run('CREATE TABLE p(i INTEGER PRIMARY KEY)');
  const cases: readonly (readonly [string, string, string?])[] = [
    ['selec 1', '42601', '1:1'],
    ['SELECT\n  nope', '42703', '2:3'],
    ['SELECT * FROM nope', '42P01', '1:15'],
    ['SELECT nope(1)', '42883', '1:8'],
    ["SELECT CAST('a' AS INT)", '22000', '1:8'],
    ['INSERT INTO p VALUES (1), (1)', '23505'],
    ["SELECT * FROM read_csv('/nope.csv')", '58030', '1:15'],
    ['COMMIT', '25000'],
    ['CREATE TABLE p(i INT)', '42P07'],
    ['SELECT 1,\n\t\tnope', '42703', '2:3'],
    ["SELECT\t'日本\te\u0301',\tnope", '42703', '1:17'],
    [`SELECT '${'日\t'.repeat(90)}', nope`, '42703', '1:192'],
    [`SELECT ${'1 + '.repeat(60)} nope + ${'1 + '.repeat(60)} 1`, '42703', '1:249'],
  ];
  for (const [sql, sqlState, place] of cases) {
    const error = await rejection(session.run(sql));
    assert.is(error.code, 'RVB_SQL');
    assert.is(error.sqlState, sqlState, `${sql}: ${error.message}`);
    assert.not.match(error.message, /LINE \d/);
    assert.is(
      error.place === undefined ? undefined : `${error.place.line}:${error.place.column}`,
      place,
      sql,
    );
  }
});

test('a failed transaction refuses statements until it is rolled back', async () => {
  await using session = await memorySession();
  await session.run('CREATE TABLE p(i INTEGER PRIMARY KEY); BEGIN; INSERT INTO p VALUES (1)');
  await rejection(session.run('INSERT INTO p VALUES (1)'));
  assert.is((await rejection(session.run('SELECT 1'))).sqlState, '25P02');
  await session.run('ROLLBACK');
  assert.equal(await rowsOf(session, 'SELECT count(*) AS n FROM p'), [{ n: 0 }]);
});

test('a text may hold several statements without parameters and one with them', async () => {
  await using session = await memorySession();
  assert.equal(await rowsOf(session, "SELECT 1; SELECT 'a;b' AS two"), [{ two: 'a;b' }]);
  await session.run(
    'CREATE TABLE t(k INT, v INT); INSERT INTO t VALUES (1, 2), (1, 3); BEGIN; UPDATE t SET v = 4 WHERE v = 2; COMMIT',
  );
  assert.equal(await rowsOf(session, 'SELECT 1; PIVOT t ON k USING sum(v)'), [{ 1: 7 }]);
  const error = await rejection(session.run('SELECT 1; SELECT $1', { parameters: [1] }));
  assert.match(error.message, /exactly one statement/);
});

test('SQL text that holds a NUL is refused, since DuckDB would drop what follows', async () => {
  await using session = await memorySession();
  assert.match((await rejection(session.run('SELECT 1 \0; DROP TABLE t'))).message, /NUL/);
});

test('changes count for statements that change rows, and rows for those that return them', async () => {
  await using session = await memorySession();
  const made = await session.run('CREATE TABLE t(i INT)');
  assert.equal(
    [made.returnsRows, made.changes, made.rowCount, made.columns],
    [false, undefined, 0, []],
  );
  const inserted = await session.run('INSERT INTO t VALUES (1), (2)');
  assert.equal([inserted.returnsRows, inserted.changes], [false, 2]);
  const returned = await session.run('INSERT INTO t VALUES (3) RETURNING i');
  assert.equal([returned.returnsRows, returned.rowCount], [true, 1]);
  const nothing = await session.run('-- nothing');
  assert.is(nothing.returnsRows, false);
});

test('describe gives the columns without running the query', async () => {
  await using session = await memorySession();
  const shape = async (sql: string, parameters?: readonly unknown[]) =>
    (await session.describe(sql, { parameters })).map(({ name, type }) => `${name} ${type}`);
  assert.equal(await shape("SELECT 1 AS a, 2.5 AS a, error('never')::DATE AS e"), [
    'a INTEGER',
    'a_1 DECIMAL(2,1)',
    'e DATE',
  ]);
  assert.equal(await shape('SELECT $1 AS p', ['x']), ['p VARCHAR']);
  assert.equal(await shape('PIVOT (SELECT 1 AS k, 2 AS v) ON k USING sum(v)'), ['1 HUGEINT']);
  assert.equal((await shape('DESCRIBE SELECT 1'))[0], 'column_name VARCHAR');
  assert.is((await rejection(session.describe('SELECT nope'))).sqlState, '42703');
});

test('only the outermost LIMIT or FETCH of a query counts', async () => {
  await using session = await memorySession();
  const limited = [
    'SELECT 1 LIMIT 2',
    'SELECT 1 FETCH FIRST 2 ROWS ONLY',
    '(SELECT 1 LIMIT 1)',
    'SELECT 1 UNION SELECT 2 LIMIT 3',
    'WITH x AS (SELECT 1) SELECT * FROM x LIMIT 1',
    'SELECT 1 LIMIT $1',
    'SELECT 1 LIMIT 10%',
    'FROM range(3) LIMIT 1',
    'VALUES (1) LIMIT 1',
    'SELECT 1 LIMIT ALL',
    'SELECT 1 LIMIT (SELECT 1) -- x',
  ];
  const unlimited = [
    'SELECT * FROM (SELECT 1 LIMIT 2)',
    '(SELECT 1) UNION ALL (SELECT 2 LIMIT 1)',
    'WITH x AS (SELECT 1 LIMIT 1) SELECT * FROM x',
    "SELECT ' LIMIT 1'",
    'SELECT 1 OFFSET 3',
    'DESCRIBE SELECT 1 LIMIT 1',
    'SUMMARIZE SELECT 1',
    'PIVOT (SELECT 1 AS k, 2 AS v LIMIT 1) ON k USING sum(v)',
    'SHOW TABLES',
    'SELECT 1 -- LIMIT 1',
  ];
  for (const sql of limited) {
    const { hasLimit, kind } = await session.queryShape(sql);
    assert.equal({ hasLimit, kind }, { hasLimit: true, kind: 'select' }, sql);
  }
  for (const sql of unlimited)
    assert.equal(await session.queryShape(sql), { hasLimit: false, kind: 'select' }, sql);
  for (const sql of [
    'CREATE TABLE t(i INT)',
    'INSERT INTO t VALUES (1)',
    'SET threads = 1',
    'SELECT 1; SELECT 2',
    'selec 1',
  ]) {
    assert.is((await session.queryShape(sql)).kind, 'other', sql);
  }
});

test('the number of a LIMIT is known where it is a number', async () => {
  await using session = await memorySession();
  const limits: Readonly<Record<string, number | undefined>> = {
    'SELECT 1 LIMIT 7': 7,
    'SELECT 1 LIMIT 7 OFFSET 3': 7,
    'SELECT 1 FETCH FIRST 8 ROWS ONLY': 8,
    'SELECT 1 LIMIT 7%': undefined,
    'SELECT 1 LIMIT 2.5': undefined,
    'SELECT 1 LIMIT 3 + 4': undefined,
    'SELECT 1 LIMIT $1': undefined,
    'SELECT 1': undefined,
  };
  for (const [sql, limit] of Object.entries(limits)) {
    assert.is((await session.queryShape(sql)).limit, limit, sql);
    assert.is((await session.queryShape(sql)).limit, limit, `${sql}, asked again`);
  }
});

test('in its turn, work has the connection to itself', async () => {
  await using session = await memorySession();
  const order: string[] = [];
  const work = session.inTurn(async (connection) => {
    await connection.run('SELECT 1');
    await sleep(30);
    order.push('work');
  });
  const later = session.run('SELECT 1').then(() => order.push('later'));
  await Promise.all([work, later]);
  assert.equal(order, ['work', 'later']);
});

test('a statement that is kept prepared gives what it would give anew', async () => {
  await withFolder(async (folder) => {
    const lease = await acquireDatabase(':memory:');
    await using session = await Session.open(lease, { keepsPrepared: true });
    await using other = await Session.open(lease);
    await lease.release();
    const file = join(folder, 'x.csv');
    const all = async () => {
      const values = [];
      for (const sql of [
        'SELECT t.*, $1 AS p FROM t',
        `SELECT x.*, $1 AS p FROM '${file}' x`,
        "SELECT getvariable('v') AS v, $1 AS p",
        "SELECT current_setting('default_null_order') AS o, $1 AS p",
        'SELECT m() AS m, $1 AS p',
      ]) {
        values.push(...(await (await session.run(sql, { parameters: ['a'] })).rows('json')));
      }
      return values.map(({ p: _, ...rest }) => rest);
    };
    await session.run('CREATE SCHEMA s; CREATE TABLE s.t AS SELECT 7 AS seven');
    await session.run('CREATE TABLE t AS SELECT 1 AS a; CREATE MACRO m() AS 1; SET VARIABLE v = 1');
    await writeFile(file, 'k\n1\n');
    const first = [{ a: 1 }, { k: 1 }, { v: 1 }, { o: 'NULLS_LAST' }, { m: 1 }];
    assert.equal(await all(), first);
    assert.equal(await all(), first);
    await other.run("ALTER TABLE t ADD COLUMN b VARCHAR DEFAULT 'x'");
    await other.run('CREATE OR REPLACE MACRO m() AS 2');
    await other.run("SET GLOBAL default_null_order = 'nulls_first'");
    await writeFile(file, 'k,l\none,2\n');
    await session.run('SET VARIABLE v = 2');
    const second = [{ a: 1, b: 'x' }, { k: 'one', l: 2 }, { v: 2 }, { o: 'NULLS_FIRST' }, { m: 2 }];
    assert.equal(await all(), second);
    await session.run("SET search_path = 's'");
    const seven = await session.run('SELECT t.*, $1 AS p FROM t', { parameters: ['a'] });
    assert.equal(await seven.rows('json'), [{ seven: 7, p: 'a' }]);
  });
});

test.run();
