/** Queries beside a session give what the session itself would give. */
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { acquireDatabase } from '../../src/duck/registry.ts';
import { Session } from '../../src/duck/session.ts';

const LONG = 'SELECT count(*) FROM range(3000000) a(i), range(300) b(j) WHERE (a.i * b.j) % 7 = 3';

const lease = await acquireDatabase(':memory:');
const session = await Session.open(lease);
await session.run(
  "CREATE TABLE t AS SELECT 'table' AS v; CREATE SCHEMA s; CREATE TABLE s.t AS SELECT 'schema' AS v",
);
test.after(async () => {
  await session.close();
  await lease.release();
});

/** The first value, asked twice, since what was found out the first time is used the second. */
async function beside(sql: string): Promise<unknown> {
  const values = [];
  for (let round = 0; round < 2; round += 1) {
    const [row] = await (await session.runBeside(sql, [])).rows('json');
    values.push(Object.values(row ?? {})[0]);
  }
  assert.is(values[0], values[1]);
  return values[0];
}

test('a query beside the session does not hold it up', async () => {
  const abort = new AbortController();
  let isDone = false;
  const long = session
    .runBeside(LONG, [], { signal: abort.signal })
    .catch((thrown: Error) => thrown.message)
    .finally(() => {
      isDone = true;
    });
  await sleep(30);
  assert.is((await session.run('SELECT 1')).rowCount, 1);
  assert.is(isDone, false);
  abort.abort();
  assert.match(String(await long), 'cancelled');
  assert.is(await beside('SELECT v FROM t'), 'table');
});

test('temporary tables, views and macros, variables and what is not committed are seen', async () => {
  assert.is(await beside('FROM t'), 'table');
  await session.run("CREATE TEMP TABLE t AS SELECT 'temporary' AS v");
  assert.is(await beside('FROM t'), 'temporary');
  await session.run('DROP TABLE temp.t');
  assert.is(await beside('FROM t'), 'table');
  await session.run("CREATE TEMP VIEW t AS SELECT 'view' AS v");
  assert.is(await beside('FROM t'), 'view');
  await session.run('DROP VIEW temp.t');
  await session.run("CREATE MACRO m() AS 'macro'");
  assert.is(await beside('SELECT m()'), 'macro');
  await session.run("CREATE TEMP MACRO m() AS 'temporary'");
  assert.is(await beside('SELECT m()'), 'temporary');
  await session.run('DROP MACRO temp.m');
  await session.run("SET VARIABLE x = 'variable'");
  assert.is(await beside("SELECT getvariable('x')"), 'variable');
  await session.run('RESET VARIABLE x');
  assert.is(await beside("SELECT getvariable('x')"), null);
  await session.run('BEGIN');
  await session.run("UPDATE t SET v = 'uncommitted'");
  assert.is(await beside('FROM t'), 'uncommitted');
  await session.run('ROLLBACK');
  assert.is(await beside('FROM t'), 'table');
  await session.run("UPDATE t SET v = 'committed'");
  assert.is(await beside('FROM t'), 'committed');
});

test("settings and the search path are the session's", async () => {
  const zone = "SELECT current_setting('TimeZone')";
  const before = await beside(zone);
  await session.run("SET TimeZone = 'Asia/Tokyo'");
  assert.is(await beside(zone), 'Asia/Tokyo');
  await session.run('RESET TimeZone');
  assert.is(await beside(zone), before);
  await session.run('USE s');
  assert.is(await beside('FROM t'), 'schema');
  await session.run('USE main');
  assert.is(await beside('FROM t'), 'committed');
});

test('what is no SELECT, or does not bind, runs on the session', async () => {
  await session.runBeside('CREATE TEMP TABLE made AS SELECT $1 AS v', ['kept']);
  assert.is(await beside('FROM made'), 'kept');
  await session.run('DROP TABLE made');
  const thrown = await session.runBeside('FROM nothing', []).catch((error: Error) => error.message);
  assert.match(String(thrown), 'Table with name nothing does not exist');
  const [row] = await (await session.runBeside('SELECT $1 || $2 AS v', ['a', 'b'])).rows('json');
  assert.is(row?.['v'], 'ab');
});

test('many at once are all right, and none is left open', async () => {
  const all = Array.from({ length: 50 }, async (_, n) => {
    const [row] = await (await session.runBeside('SELECT $1::INTEGER * 2 AS v', [n])).rows('json');
    assert.is(Number(row?.['v']), 2 * n);
  });
  await Promise.all(all);
});

test.run();
