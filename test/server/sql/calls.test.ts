/** Model calls of a client's statements: rows as they become certain, cancel, and clients that vanish. */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  bind,
  describe,
  execute,
  frame,
  PgClient,
  parse,
  query,
  resultOf,
  sync,
} from '../../support/pg-client.ts';
import { FRESH, startCalls } from './support.ts';

const { calls, map, server, close } = await startCalls();
test.after(close);
test.before.each(() => {
  Object.assign(calls, FRESH);
});

test('a MAP is described without a call, and runs with its parameters', async () => {
  const client = await PgClient.connect(server.port);
  const sql = "RVBBIT MAP 'ask.yaml' AS v USING (SELECT range AS n FROM range(5) WHERE range < $1)";
  client.send(parse(sql), describe('S'), sync);
  const described = await client.until('Z');
  assert.equal(
    resultOf(described).columns.map(({ name, oid }) => [name, oid]),
    [
      ['n', 20],
      ['v', 25],
    ],
  );
  assert.is(described[1]!.body.readInt32BE(2), 20);
  assert.is(calls.sent, 0);
  const { rows, tags } = await client.run(bind(['2']), execute(), sync);
  assert.equal(rows, [
    ['0', 'yy'],
    ['1', 'yy'],
  ]);
  assert.equal(tags, ['SELECT 2']);
  assert.is(calls.sent, 2);
  client.close();
});

test('parameters reach the queries in a statement and around them', async () => {
  const client = await PgClient.connect(server.port);
  const sql = `SELECT count(*), $2 AS t FROM (${map(9).replace('range(9))', 'range(9) WHERE range < $1)')}) WHERE v <> $3`;
  const { rows, columns, error } = await client.extended(sql, ['4', 'told', 'no']);
  assert.is(error?.get('M'), undefined);
  assert.equal(
    columns.map(({ oid }) => oid),
    [20, 25],
  );
  assert.equal(rows, [['4', 'told']]);
  client.close();
});

test('rows go out as they become certain', async () => {
  const client = await PgClient.connect(server.port);
  client.send(query(map(40)));
  await client.until('D');
  assert.ok(calls.sent < 30, `${calls.sent} calls before the first row`);
  const { tags, notices } = resultOf(await client.until('Z'));
  assert.equal(tags, ['SELECT 40']);
  assert.match(notices.at(-1)!, /^40 runs, .* 40 calls, 0 stored answers/);
  client.close();
});

test('a client is told of the default limit', async () => {
  const client = await PgClient.connect(server.port);
  const { notices } = await client.query(
    `RVBBIT MAP PARALLEL 64 'ask.yaml' AS v USING (SELECT range % 3 AS n FROM range(1001))`,
  );
  assert.match(notices[0]!, /only the first 1000 rows were read/);
  await client.query('SET client_min_messages TO warning');
  assert.equal(
    (
      await client.query(
        "RVBBIT MAP 'ask.yaml' AS v USING (SELECT range % 3 AS n FROM range(1001))",
      )
    ).notices,
    [],
  );
  client.close();
});

test('a long statement tells its progress as often as the setting says, and a short one does not', async () => {
  calls.ms = 130;
  const progressOf = async (setting: string, sql: string) => {
    const client = await PgClient.connect(server.port);
    assert.is((await client.query('SHOW rvbbit.progress')).rows[0]![0], '5s');
    await client.query(`SET rvbbit.progress = ${setting}`);
    const { notices, error } = await client.query(sql);
    assert.is(error?.get('M'), undefined);
    client.close();
    return notices.filter((notice) => / of \d+ rows/.test(notice));
  };
  const [made, read, off, short] = await Promise.all([
    progressOf("'1s'", `CREATE TABLE told AS ${map(40)}`),
    progressOf("'1s'", map(40)),
    progressOf('off', map(40)),
    progressOf("'1s'", map(4)),
  ]);
  for (const notices of [made, read]) {
    assert.match(notices[0]!, /^\d+ of 40 rows, \d+ calls, \d s$/);
    // A busy machine may take more than two seconds for it.
    const seconds = notices.map((notice) => /\d+ s$/.exec(notice)![0]);
    assert.is(new Set(seconds).size, seconds.length);
  }
  assert.equal([...off, ...short], []);
  const client = await PgClient.connect(server.port);
  const { error } = await client.query("SET rvbbit.progress = '10ms'");
  assert.is(error?.get('C'), '22023');
  client.close();
});

test('a cancel with the right key stops the calls within 250 ms, and another key stops nothing', async () => {
  const client = await PgClient.connect(server.port);
  const cancel = (secret: number) => {
    const other = connect({ port: server.port, host: '127.0.0.1' });
    other.end(frame('', 80_877_102, client.processId, secret));
    return new Promise((resolve) => other.once('close', resolve));
  };
  calls.ms = 200;
  client.send(query(map(1_000)));
  await client.until('D');
  await cancel(client.secret + 1);
  const before = calls.sent;
  await sleep(2 * calls.ms);
  assert.ok(calls.sent > before, 'the wrong key stopped it');
  // The calls of the four lanes begin and end together, so that there are moments without one.
  for (const seen = calls.sent; calls.sent === seen; ) await sleep(5);
  const startMs = performance.now();
  await cancel(client.secret);
  const result = resultOf(await client.until('Z'));
  const tookMs = performance.now() - startMs;
  assert.is(result.error?.get('C'), '57014');
  assert.is(result.error?.get('R'), 'RVB_CANCELLED');
  const atEnd = calls.sent;
  assert.ok(tookMs < 250, `${tookMs} ms`);
  await sleep(2 * calls.ms);
  assert.is(calls.sent, atEnd);
  assert.ok(calls.aborted > 0);
  assert.equal((await client.query('SELECT 1')).rows, [['1']]);
  await cancel(client.secret);
  assert.equal((await client.query('SELECT 2')).rows, [['2']]);
  client.close();
});

test('a client that vanishes has its calls aborted within a second', async () => {
  for (const leave of ['destroy', 'resetAndDestroy'] as const) {
    const client = await PgClient.connect(server.port);
    client.send(query(map(1_000)));
    await client.until('D');
    await sleep(3 * FRESH.ms);
    client.socket[leave]();
    await sleep(600);
    const atEnd = calls.sent;
    await sleep(5 * FRESH.ms);
    assert.is(calls.sent, atEnd, leave);
    assert.ok(calls.sent < 1_000, leave);
  }
  for (let wait = 0; server.connections > 0 && wait < 100; wait += 1) await sleep(10);
  assert.is(server.connections, 0);
});

test.run();
