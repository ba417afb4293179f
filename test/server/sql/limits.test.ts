/** Who gets in, to which database, for how long, and how the server ends. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine, RvbbitError } from '../../../src/index.ts';
import { SqlServer } from '../../../src/server/sql/server.ts';
import { fieldsOf, frame, PgClient, query, resultOf, startup } from '../../support/pg-client.ts';
import { startServer } from './support.ts';

const LONG = 'SELECT count(*) FROM range(3000000) a(i), range(300) b(j) WHERE (a.i * b.j) % 7 = 3';

/** Returns the error with which a server refuses a client. */
async function refusalOf(port: number, parameters: Readonly<Record<string, string>> = {}) {
  const client = new PgClient(port);
  client.send(startup(parameters));
  return fieldsOf((await client.closed()).find(({ type }) => type === 'E')!.body);
}

test('an address that others can reach is refused, with the reason', async () => {
  for (const host of ['0.0.0.0', '::', '192.0.2.1', 'example.org']) {
    const openEngine = () => Engine.open();
    const thrown = await SqlServer.listen({
      port: 0,
      host,
      database: ':memory:',
      openEngine,
    }).catch((error) => error);
    assert.instance(thrown, RvbbitError, host);
    assert.is(thrown.code, 'RVB_OPTION_TYPE');
    assert.match(thrown.message, /no TLS.*and no users/);
  }
});

test('databases have names: default, memory, and the files of a folder', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'databases-'));
  const made = await Engine.open({ database: join(folder, 'shop.duckdb') });
  await made.query("CREATE TABLE goods AS SELECT 'tea' AS name");
  await made.close();
  const opened: string[] = [];
  const server = await startServer({
    folder,
    openEngine: (database) => {
      opened.push(database);
      return Engine.open({ database, threads: 1 });
    },
  });
  const rowsOf = async (database: string, sql: string) => {
    const client = await PgClient.connect(server.port, { database });
    const { rows, error } = await client.query(sql);
    client.close();
    return error?.get('C') ?? rows.flat().join();
  };
  assert.is(await rowsOf('shop', 'SELECT name FROM goods'), 'tea');
  assert.is(await rowsOf('default', 'CREATE TABLE here AS SELECT 1'), '');
  assert.is(await rowsOf('tester', 'SELECT * FROM here'), '1');
  assert.is(await rowsOf('memory', 'SELECT * FROM here'), '42P01');
  assert.is(opened.length, 3);
  for (const database of ['none', '../shop', 'shop.duckdb', '/etc/passwd', '.', '']) {
    if (database === '') continue;
    assert.is((await refusalOf(server.port, { database })).get('C'), '3D000', database);
  }
  await server.close();
  rmSync(folder, { recursive: true });
});

test('more clients than allowed are refused, and a place is free again when a client leaves', async () => {
  const server = await startServer({ connections: 2 });
  const first = await PgClient.connect(server.port);
  const second = await PgClient.connect(server.port);
  assert.is((await refusalOf(server.port)).get('C'), '53300');
  first.close();
  await first.closed();
  for (let wait = 0; server.connections > 1 && wait < 100; wait += 1) await sleep(10);
  const third = await PgClient.connect(server.port);
  assert.equal((await third.query('SELECT 1')).rows, [['1']]);
  second.close();
  third.close();
  await server.close();
});

test('a client without a user, or that wants replication, is refused', async () => {
  const server = await startServer();
  assert.is((await refusalOf(server.port, { user: '' })).get('C'), '28000');
  assert.is((await refusalOf(server.port, { replication: 'true' })).get('C'), '0A000');
  assert.is((await refusalOf(server.port, { client_encoding: 'LATIN1' })).get('C'), '22023');
  await server.close();
});

test('settings of the first packet hold, with those of its options', async () => {
  const server = await startServer();
  const client = await PgClient.connect(server.port, {
    application_name: 'tool',
    options: '-c statement_timeout=5s -c search_path=main --extra_float_digits=3',
  });
  assert.equal(
    (
      await client.query('SHOW statement_timeout; SHOW search_path; SHOW application_name')
    ).rows.flat(),
    ['5s', 'main', 'tool'],
  );
  await client.query('SET statement_timeout = 1; RESET statement_timeout');
  assert.equal((await client.query('SHOW statement_timeout')).rows, [['5s']]);
  client.close();
  await server.close();
});

test('a newer protocol and unknown extensions are negotiated down', async () => {
  const server = await startServer();
  const client = new PgClient(server.port);
  client.send(frame('', (3 << 16) | 2, 'user', 'tester', '_pq_.wish', '1', Buffer.from([0])));
  const [first] = await client.until('Z');
  assert.is(first?.type, 'v');
  assert.is(first?.body.readInt32BE(0), 3 << 16);
  client.close();
  await server.close();
});

test('an idle client is closed, also in a transaction', async () => {
  const server = await startServer({ idleMs: 150 });
  const idle = await PgClient.connect(server.port);
  assert.is(fieldsOf((await idle.closed()).at(-1)!.body).get('C'), '57P05');
  const busy = await PgClient.connect(server.port);
  await busy.query("SET idle_in_transaction_session_timeout = '150ms'");
  await busy.query('BEGIN');
  assert.is(fieldsOf((await busy.closed()).at(-1)!.body).get('C'), '25P03');
  await server.close();
});

test('an end lets a running statement end, tells idle clients, and lets nobody in', async () => {
  const server = await startServer();
  const idle = await PgClient.connect(server.port);
  const busy = await PgClient.connect(server.port);
  busy.send(query('BEGIN; SELECT count(*) FROM range(20000000) WHERE hash(range) % 3 = 1; COMMIT'));
  await sleep(50);
  const closing = server.close();
  assert.is(fieldsOf((await idle.closed()).at(-1)!.body).get('C'), '57P01');
  const { tags, error } = resultOf(await busy.closed());
  assert.equal(tags, ['BEGIN', 'SELECT 1', 'COMMIT']);
  assert.is(error?.get('C'), '57P01');
  await closing;
  const late = new PgClient(server.port);
  await late.closed();
});

test('a statement that outlasts the end is cancelled', async () => {
  const server = await startServer();
  const busy = await PgClient.connect(server.port);
  busy.send(query(LONG));
  await sleep(50);
  const startMs = performance.now();
  await server.close(100);
  assert.ok(performance.now() - startMs < 3_000);
  await busy.closed();
});

test('a client that does not read does not hold up the end', async () => {
  const server = await startServer();
  const client = await PgClient.connect(server.port);
  client.send(query('SELECT repeat(chr(120), 1000) FROM range(100000)'));
  await client.until('D');
  client.socket.pause();
  await sleep(100);
  const startMs = performance.now();
  await server.close(100);
  assert.ok(performance.now() - startMs < 5_000);
  client.socket.destroy();
});

test('two hundred idle clients cost little, and leave nothing behind', async () => {
  const server = await startServer();
  const before = process.memoryUsage().rss;
  const clients = await Promise.all(
    Array.from({ length: 200 }, () => PgClient.connect(server.port)),
  );
  const perClient = (process.memoryUsage().rss - before) / clients.length;
  assert.ok(perClient < 200 * 1024, `${Math.round(perClient / 1024)} KiB a client, both ends`);
  for (const client of clients) client.close();
  await Promise.all(clients.map((client) => client.closed()));
  for (let wait = 0; server.connections > 0 && wait < 200; wait += 1) await sleep(10);
  assert.is(server.connections, 0);
  await server.close();
});

test.run();
