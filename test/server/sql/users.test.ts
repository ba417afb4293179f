/** Who may log in to a server with users and TLS, what each may do, and what is counted of it. */
import { X509Certificate } from 'node:crypto';
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Engine } from '../../../src/index.ts';
import { spentSince } from '../../../src/receipts/spend.ts';
import { TlsFiles } from '../../../src/server/access/tls-files.ts';
import { originOf, Users } from '../../../src/server/access/users.ts';
import { type UserLimits, writeUser } from '../../../src/server/access/users-file.ts';
import { makeVerifier, verifierText } from '../../../src/server/access/verifier.ts';
import { Metrics } from '../../../src/server/outside/metrics.ts';
import { makeFolder, removeFolder } from '../../cli/spawn.ts';
import {
  bind,
  execute,
  fieldsOf,
  flush,
  frame,
  type Login,
  PgClient,
  parse,
  query,
  type ServerMessage,
  sslRequest,
  startup,
  sync,
} from '../../support/pg-client.ts';
import { startServer } from './support.ts';

const fixture = (name: string) =>
  fileURLToPath(new URL(`../../../../test/fixtures/${name}`, import.meta.url));
const CERT = fixture('model/self-signed.pem');
const OTHER_CERT = fixture('server/sha384.pem');

const folder = makeFolder({});
test.after(() => removeFolder(folder));
const file = join(folder, 'users.yaml');
const verifier = verifierText(await makeVerifier('pencil'));
const add = (name: string, role: 'read-only' | 'read-write', limits: UserLimits = {}) =>
  writeUser(file, name, { verifier, role, limits });
await add('ada', 'read-write');
await add('ana', 'read-only');
await add('few', 'read-only', { rows: 5, statements: 1 });
const users = await Users.open(file, () => {});
const tls = await TlsFiles.open(CERT, CERT);

const errorOf = (messages: readonly ServerMessage[]) => {
  const error = messages.find(({ type }) => type === 'E');
  return error === undefined ? '' : fieldsOf(error.body).get('C');
};
async function outcomeOf(port: number, login: Partial<Login> = {}) {
  const { client, messages } = await PgClient.logIn(port, {
    user: 'ada',
    password: 'pencil',
    ...login,
  });
  client.close();
  return errorOf(messages) || 'in';
}
async function logIn(port: number, user: string): Promise<PgClient> {
  const { client, messages } = await PgClient.logIn(port, { user, password: 'pencil' });
  assert.is(errorOf(messages), '', user);
  return client;
}

test('the right password is let in; a wrong one and an unknown user get the same answer', async () => {
  const server = await startServer({ users });
  assert.is(await outcomeOf(server.port), 'in');
  const messageOf = async (user: string) => {
    const { messages } = await PgClient.logIn(server.port, { user, password: 'Pencil' });
    return fieldsOf(messages.at(-1)!.body);
  };
  const [wrong, unknown] = [await messageOf('ada'), await messageOf('nobody')];
  assert.is(wrong.get('C'), '28P01');
  assert.is(wrong.get('S'), 'FATAL');
  assert.is(wrong.get('M'), 'password authentication failed for user "ada"');
  assert.equal(new Map(unknown).set('M', ''), new Map(wrong).set('M', ''));
  await server.close();
});

test('statements before the login, other messages and huge ones are refused', async () => {
  const server = await startServer({ users });
  const first = Buffer.from('n,,n=,r=x');
  const refused = [
    query('SELECT 1'),
    frame('p', 'SCRAM-SHA-256-PLUS', first.length, first),
    frame('p', 'PLAIN', first.length, first),
    frame('p', 'pencil'),
    frame('p', 'SCRAM-SHA-256', Buffer.from([0xff, 0xff, 0xff, 0xff])),
    Buffer.concat([Buffer.from('p'), Buffer.from([0, 0xff, 0xff, 0xff]), Buffer.alloc(100)]),
    frame('p', 'SCRAM-SHA-256', 2, Buffer.from([0xff, 0xfe])),
  ];
  for (const message of refused) {
    const client = new PgClient(server.port);
    client.send(startup({ user: 'ada' }), message);
    const messages = await client.closed();
    assert.is(errorOf(messages), '08P01', message.toString());
    assert.not.ok(messages.some(({ type }) => 'ZDTK'.includes(type)));
  }
  // A client that leaves at the question for the password has not failed: psql does so to ask for it.
  for (let time = 0; time < 8; time += 1) {
    const client = new PgClient(server.port);
    client.send(startup({ user: 'ada' }));
    await client.until('R');
    client.close();
    await client.closed();
  }
  assert.is(await outcomeOf(server.port), 'in');
  await server.close();
});

test('after five failures an address waits, also if many try at the same time', async () => {
  const server = await startServer({ users });
  const outcomes = await Promise.all(
    Array.from({ length: 12 }, () => outcomeOf(server.port, { password: 'no' })),
  );
  assert.is(outcomes.filter((outcome) => outcome === '28P01').length, 5);
  assert.is(outcomes.filter((outcome) => outcome === '28000').length, 7);
  assert.is(await outcomeOf(server.port), '28000');
  await server.close();
});

test('under TLS a client may bind its login to the certificate, and one that sees another is refused', async () => {
  const server = await startServer({ users, tls });
  const port = server.port;
  assert.is(await outcomeOf(port, { tls: true }), 'in');
  assert.is(await outcomeOf(port, { tls: true, binds: true }), 'in');
  assert.is(await outcomeOf(port, { tls: true, binds: Buffer.alloc(32, 7) }), '08P01');
  assert.is(await outcomeOf(port, { tls: true, binds: true, password: 'no' }), '28P01');
  assert.is(await outcomeOf(port), 'in');
  const { client } = await PgClient.logIn(port, { user: 'ada', password: 'pencil', tls: true });
  const { rows } = await client.query("SELECT repeat('x', 300000) FROM range(10)");
  assert.is(rows.flat().join('').length, 3_000_000);
  client.send(query('SELECT count(*) FROM range(30000000) a(i) WHERE hash(a.i) % 3 = 1'));
  await sleep(50);
  const closing = server.close();
  const types = (await client.closed()).map(({ type }) => type);
  assert.ok(types.includes('C') && types.at(-1) === 'E', types.join(''));
  await closing;
});

test('bytes before the handshake are refused, and so are a second request and a handshake that is none', async () => {
  const server = await startServer({ users, tls });
  const early = new PgClient(server.port);
  early.send(sslRequest, startup({ user: 'ada' }));
  const messages = await early.closed();
  assert.is(errorOf(messages), '08P01');
  const twice = new PgClient(server.port);
  await twice.secure();
  twice.send(sslRequest);
  assert.is(errorOf(await twice.closed()), '08P01');
  const none = new PgClient(server.port);
  const answer = none.plainByte();
  none.send(sslRequest);
  assert.is(await answer, 'S');
  none.send(Buffer.from('no handshake at all, but some bytes'));
  await none.closed();
  assert.is(await outcomeOf(server.port, { tls: true }), 'in');
  await server.close();
});

test('a changed certificate is shown to new connections; those that are open go on', async () => {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const put = (from: string) => [cert, key].map((to) => copyFileSync(from, to));
  put(CERT);
  const files = await TlsFiles.open(cert, key);
  const server = await startServer({ users, tls: files });
  const open = new PgClient(server.port);
  assert.equal(await open.secure(), new X509Certificate(readFileSync(CERT)).raw);
  put(OTHER_CERT);
  assert.ok(await files.reload());
  const late = new PgClient(server.port);
  assert.equal(await late.secure(), new X509Certificate(readFileSync(OTHER_CERT)).raw);
  late.close();
  open.send(startup({ user: 'ada' }));
  assert.ok((await open.until('R')).length > 0);
  open.close();
  await server.close();
});

test('clients of other machines are let in with TLS alone', async () => {
  const outer = Object.values(networkInterfaces())
    .flat()
    .find((each) => each?.family === 'IPv4' && !each.internal)?.address;
  const server = await startServer({ users, tls, host: '0.0.0.0' });
  assert.is(await outcomeOf(server.port), 'in');
  if (outer !== undefined) {
    assert.is(await outcomeOf(server.port, { host: outer }), '28000');
    assert.is(await outcomeOf(server.port, { host: outer, tls: true, binds: true }), 'in');
  }
  await server.close();
});

test('a read-only user reads tables and the catalogue, and nothing else', async () => {
  const server = await startServer({ users });
  const ada = await logIn(server.port, 'ada');
  assert.is((await ada.query('CREATE TABLE goods AS SELECT 1 AS id')).error, undefined);
  const ana = await logIn(server.port, 'ana');
  const target = join(folder, 'out.csv');
  writeFileSync(join(folder, 'secret.csv'), 'a\n1\n');
  const refused = [
    `COPY goods TO '${target}'`,
    `SELECT * FROM read_text('/etc/hostname')`,
    `SELECT * FROM '${join(folder, 'secret.csv')}'`,
    `ATTACH '${join(folder, 'x.db')}'`,
    'INSTALL httpfs',
    `SELECT getenv('HOME')`,
    'INSERT INTO goods VALUES (2)',
    'COPY goods FROM STDIN',
    'DROP TABLE goods',
    'SET threads = 1',
    'SELECT * FROM duckdb_settings()',
    `PREPARE p AS INSERT INTO goods VALUES (3); EXECUTE p`,
    'SELECT 1; DELETE FROM goods',
    // The text goes another way if it names the catalogue.
    `SELECT relname, getenv('HOME') FROM pg_class`,
    `SELECT * FROM pg_class, read_text('/etc/hostname')`,
    `CREATE TABLE stolen AS SELECT * FROM pg_class`,
    `COPY (SELECT * FROM pg_class) TO '${target}'`,
    `SELECT current_setting('home_directory'), count(*) FROM pg_class`,
  ];
  for (const sql of refused) {
    assert.is((await ana.query(sql)).error?.get('C'), '42501', sql);
    const { error } = await ana.extended(sql.replace(/^PREPARE.*; |^SELECT 1; /, ''));
    if (!/EXECUTE/.test(sql)) assert.is(error?.get('C'), '42501', `extended: ${sql}`);
  }
  assert.not.ok(existsSync(target));
  const allowed: readonly (readonly [sql: string, rows: number])[] = [
    ['SELECT * FROM goods', 1],
    ['COPY goods TO STDOUT', 0],
    ['CREATE TEMP TABLE mine AS SELECT * FROM goods', 0],
    ['DISCARD ALL', 0],
    [`SET TIME ZONE 'Europe/Berlin'`, 0],
    [`SET search_path TO public`, 0],
    [`SELECT relname FROM pg_class WHERE relname = 'goods'`, 1],
    [`SELECT table_name FROM information_schema.tables WHERE table_name = 'goods'`, 1],
    [`SELECT setting FROM pg_settings WHERE name = 'server_version'`, 1],
    [`SELECT name FROM pg_settings WHERE name = 'home_directory'`, 0],
    [`SELECT format_type(23, NULL), unnest(ARRAY['a', 'b'])`, 2],
    ['BEGIN; DECLARE c CURSOR FOR SELECT * FROM goods; FETCH 1 FROM c; COMMIT', 1],
  ];
  for (const [sql, count] of allowed) {
    const { rows, error } = await ana.query(sql);
    assert.is(error?.get('M'), undefined, sql);
    if (!/STDOUT/.test(sql)) assert.is(rows.length, count, sql);
  }
  assert.equal((await ada.query('SELECT id FROM goods')).rows, [['1']]);
  ada.close();
  ana.close();
  await server.close();
});

test("a user's limits hold for rows and for statements at a time, and end with each statement", async () => {
  const server = await startServer({ users });
  const few = await logIn(server.port, 'few');
  const more: readonly string[] = [
    'SELECT * FROM range(6)',
    'SELECT * FROM range(6)',
    'COPY (SELECT * FROM range(6)) TO STDOUT',
    'BEGIN; DECLARE c CURSOR FOR SELECT * FROM range(6); FETCH 4 FROM c; FETCH 4 FROM c',
    'ROLLBACK; SELECT relname FROM pg_class',
  ];
  for (const sql of more) {
    const { error } = await few.query(sql);
    assert.is(error?.get('C'), '53400', sql);
    assert.match(error?.get('M') ?? '', /more than 5 rows/);
  }
  assert.is((await few.query('SELECT * FROM range(5)')).rows.length, 5);
  assert.is((await few.extended('SELECT * FROM range(6)')).error?.get('C'), '53400');
  const second = await logIn(server.port, 'few');
  // A statement whose rows are half taken still runs.
  few.send(parse('SELECT * FROM range(5)'), bind(), execute(2), flush);
  await few.until('s');
  assert.match((await second.query('SELECT 1')).error?.get('M') ?? '', /runs 1 statements/);
  assert.is((await few.run(sync)).error, undefined);
  assert.equal((await second.query('SELECT 1')).rows, [['1']]);
  // Nor does a client that has left hold a place.
  second.send(parse('SELECT * FROM range(5)'), bind(), execute(2), flush);
  await second.until('s');
  second.close();
  for (let wait = 0; server.connections > 1 && wait < 100; wait += 1) await sleep(10);
  assert.equal((await few.query('SELECT 2')).rows, [['2']]);
  few.close();
  await server.close();
});

test('money that a user has spent today stays spent after a restart and after a change of the limit', async () => {
  const root = makeFolder({
    'ask.yaml': 'cascade_id: ask\ncells:\n  - { name: a, instructions: "{{ input.n }}" }\n',
  });
  const stateDir = join(root, 'state');
  const since = new Date(new Date().setUTCHours(0, 0, 0, 0));
  let asked = 0;
  const run = async (rows: string) => {
    const known = await Users.open(
      file,
      () => {},
      (user) => spentSince(stateDir, originOf(user), since),
    );
    const server = await startServer(
      { users: known },
      {
        cascades: root,
        stateDir,
        model: async () => {
          asked += 1;
          const usage = { inputTokens: 1, outputTokens: 0 };
          return { text: 'yes', finishReason: 'stop', usage };
        },
        modelPrice: { inputPerMtok: 1_000_000, outputPerMtok: 0 },
      },
    );
    const map = (from: string) =>
      `RVBBIT MAP 'ask.yaml' AS v USING (FROM range(${from}) t(n)) WITH (max_tokens = 1)`;
    const answers: number[] = [];
    for (const from of rows.split(' ')) {
      const client = await logIn(server.port, 'spender');
      const before = asked;
      await client.query(map(from));
      answers.push(asked - before);
      client.close();
      if (from === '10,13') await add('spender', 'read-write', { cost_per_day: 5 });
    }
    await server.close();
    return answers;
  };
  await add('spender', 'read-write', { cost_per_day: 4 });
  assert.equal(await run('0,3 10,13 20,23'), [3, 1, 1]);
  assert.equal(await run('30,33'), [0]);
  await add('spender', 'read-write', { cost_per_day: 7 });
  assert.equal(await run('40,43'), [2]);
  removeFolder(root);
});

test('connections, errors of the parser and users of statements are seen from outside', async () => {
  const metrics = new Metrics();
  const origins: string[] = [];
  const server = await startServer({
    users,
    metrics,
    openEngine: async (database) => {
      const engine = await Engine.open({ threads: 1, database });
      metrics.watch(engine);
      engine.events.on('record', (record) => {
        if (record.t === 'statement.open') origins.push(record.origin);
      });
      return engine;
    },
  });
  const ada = await logIn(server.port, 'ada');
  const parsed = await ada.query('RVBBIT MAPP');
  await ada.query('SELECT * FROM nowhere');
  await ada.query('BEGIN; SELECT 1; COMMIT');
  await outcomeOf(server.port, { password: 'no' });
  const text = metrics.text();
  assert.match(text, 'rvbbit_connections 1\n');
  assert.match(text, `rvbbit_errors_total{code="${parsed.error?.get('R')}"} 1\n`);
  assert.match(text, 'rvbbit_errors_total{code="RVB_SQL"} 2\n');
  assert.ok(origins.length > 0 && origins.every((origin) => origin === 'sql:ada'), origins.join());
  ada.close();
  await server.close();
});

test.run();
