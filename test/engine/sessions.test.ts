/** Sessions: what is a connection's own, what all share, how many there may be. */
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, type EngineSession, RvbbitError } from '../../src/index.ts';
import { makeFolder, removeFolder } from '../cli/spawn.ts';

const cascades = makeFolder({
  'twice.yaml':
    'cascade_id: twice\ncells:\n  - { name: a, tool: js, inputs: { code: return 2 * Number(input.n) } }\n',
});
test.after(() => removeFolder(cascades));

const open = (options: { sessions?: number } = {}) =>
  Engine.open({ cascades, threads: 1, ...options });
const MAP = "RVBBIT MAP PARALLEL 2 'twice.yaml' AS v USING (SELECT range AS n FROM range(10))";
/** Some seconds of work for DuckDB. */
const LONG = 'SELECT count(*) FROM range(3000000) a(i), range(300) b(j) WHERE (a.i * b.j) % 7 = 3';

async function rejection(work: Promise<unknown>): Promise<RvbbitError> {
  try {
    await work;
  } catch (thrown) {
    if (thrown instanceof RvbbitError) return thrown;
    throw thrown;
  }
  throw new Error('it did not fail');
}

async function one(session: Pick<EngineSession, 'query'>, sql: string): Promise<unknown> {
  const { rows } = await session.query(sql, undefined, { valueForm: 'json-numbers' });
  return Object.values(rows[0] ?? {})[0];
}

test("temporary tables, settings and transactions are a session's own, tables are all sessions'", async () => {
  await using engine = await open();
  await using a = await engine.session();
  await using b = await engine.session();
  await a.query('CREATE TEMP TABLE mine AS SELECT 1 AS x');
  assert.is((await rejection(b.query('FROM mine'))).code, 'RVB_SQL');
  assert.is((await rejection(engine.query('FROM mine'))).code, 'RVB_SQL');
  await a.query("SET TimeZone = 'Asia/Tokyo'");
  assert.is(await one(a, "SELECT current_setting('TimeZone')"), 'Asia/Tokyo');
  assert.is.not(await one(b, "SELECT current_setting('TimeZone')"), 'Asia/Tokyo');
  await a.query('BEGIN');
  await a.query('CREATE TABLE shared AS SELECT 7 AS x');
  assert.is((await rejection(b.query('FROM shared'))).code, 'RVB_SQL');
  await a.query('COMMIT');
  assert.is(await one(b, 'FROM shared'), 7);
  assert.is(await one(engine, 'FROM shared'), 7);
});

test('a transaction that is open when its session closes is rolled back', async () => {
  await using engine = await open();
  await engine.query('CREATE TABLE t (x INTEGER)');
  const session = await engine.session();
  await session.query('BEGIN');
  await session.query('INSERT INTO t VALUES (1)');
  await session.close();
  assert.is(await one(engine, 'SELECT count(*) FROM t'), 0);
  assert.is((await rejection(session.query('SELECT 1'))).code, 'RVB_CLOSED');
});

test('a MAP of one session does not wait for eight long statements of others', async () => {
  await using engine = await open();
  await engine.query(MAP);
  const busy = await Promise.all(Array.from({ length: 8 }, () => engine.session()));
  const abort = new AbortController();
  const long = busy.map((session) =>
    session.query(LONG, undefined, { signal: abort.signal }).then(
      () => 'ended',
      () => 'cancelled',
    ),
  );
  await sleep(50);
  await using session = await engine.session();
  for (let round = 0; round < 3; round += 1) {
    const { rows } = await session.query(MAP);
    assert.equal(
      rows.map(({ v }) => v),
      Array.from({ length: 10 }, (_, n) => String(2 * n)),
    );
  }
  abort.abort();
  assert.equal(await Promise.all(long), Array(8).fill('cancelled'));
});

test('as many sessions are open as the option allows; a further one waits its turn, and not without end', async () => {
  await using engine = await open({ sessions: 2 });
  const first = await engine.session();
  await using _second = await engine.session();
  const late = await rejection(engine.session({ timeoutMs: 20 }));
  assert.is(late.code, 'RVB_LIMIT');
  assert.match(late.message, '2 sessions are open');
  const abort = new AbortController();
  const cancelled = rejection(engine.session({ signal: abort.signal }));
  abort.abort();
  assert.is((await cancelled).code, 'RVB_CANCELLED');
  const order: string[] = [];
  const waiting = ['a', 'b'].map(async (name) => {
    const session = await engine.session();
    order.push(name);
    await session.close();
  });
  await first.close();
  await first.close();
  await Promise.all(waiting);
  assert.equal(order, ['a', 'b']);
});

test('what a closed session refuses or cuts off names the session, not the engine', async () => {
  await using engine = await open();
  const session = await engine.session();
  const running = rejection(session.query(LONG));
  await sleep(50);
  await session.close();
  const cut = await running;
  assert.is(cut.code, 'RVB_CLOSED');
  assert.match(cut.message, 'the session was closed while the statement ran');
  const late = await rejection(session.query('SELECT 1'));
  assert.equal([late.code, late.message], ['RVB_CLOSED', 'the session is closed; open another']);
  assert.is(await one(engine, 'SELECT 1'), 1);
});

test('closing the engine closes its sessions, and ends what waits for one', async () => {
  const engine = await open({ sessions: 1 });
  const session = await engine.session();
  const waiting = rejection(engine.session());
  const running = rejection(session.query(LONG));
  await sleep(50);
  await engine.close();
  assert.is((await waiting).code, 'RVB_CLOSED');
  assert.is((await running).code, 'RVB_CLOSED');
  assert.is((await rejection(session.query('SELECT 1'))).code, 'RVB_CLOSED');
  assert.is((await rejection(engine.session())).code, 'RVB_CLOSED');
});

test('two hundred sessions leave neither descriptors nor memory behind', async () => {
  await using engine = await open({ sessions: 200 });
  const openAll = async () => {
    const sessions = await Promise.all(Array.from({ length: 200 }, () => engine.session()));
    for (const [n, session] of sessions.entries()) {
      await session.query('CREATE TEMP TABLE mine AS SELECT range AS x FROM range(2000)');
      if (n % 2 === 0) await session.query('BEGIN');
      if (n % 50 === 0) await session.query(MAP);
    }
    await Promise.all(sessions.map((session) => session.close()));
  };
  const descriptors = () => readdirSync('/proc/self/fd').length;
  await openAll();
  const [before, beforeMb] = [descriptors(), process.memoryUsage.rss() / 2 ** 20];
  await openAll();
  assert.is(descriptors(), before);
  const grownMb = process.memoryUsage.rss() / 2 ** 20 - beforeMb;
  assert.ok(grownMb < 30, `${grownMb} MiB`);
});

test('an option that is wrong is named', async () => {
  await using engine = await open();
  const wrong = { timeoutMS: 5 } as never;
  assert.is((await rejection(engine.session(wrong))).code, 'RVB_UNKNOWN_OPTION');
  assert.is((await rejection(Engine.open({ sessions: 0 }))).code, 'RVB_OPTION_TYPE');
});

test('an engine is not opened under a signal that has aborted', async () => {
  const thrown = await rejection(Engine.open({ signal: AbortSignal.abort() }));
  assert.is(thrown.code, 'RVB_CANCELLED');
});

test.run();
