/** Rows that a client does not read stop the buying of answers. */
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { reportCases } from '../../support/cases.ts';
import { bind, execute, PgClient, parse, query, resultOf, sync } from '../../support/pg-client.ts';
import { FRESH, startCalls } from './support.ts';

/** The length of an answer of which few rows fill the buffers between server and client. */
const LONG = 128 * 1024;

const { calls, map, server, close } = await startCalls();
test.after(close);
test.before.each(() => {
  Object.assign(calls, FRESH);
});

/** Waits until no call has gone out for a while, and returns how many there were in all. */
async function settledCalls(): Promise<number> {
  for (let before = -1; before !== calls.sent; await sleep(700)) before = calls.sent;
  return calls.sent;
}

test('a client that stops reading stops the buying of calls, and gets every row when it reads again', async () => {
  calls.answerChars = LONG;
  // So slow that few calls go out in the time until the lanes stop.
  calls.ms = 50;
  const rows = 400;
  const client = await PgClient.connect(server.port);
  client.send(query(map(rows, 8)));
  await client.until('D');
  client.socket.pause();
  const bought = await settledCalls();
  assert.ok(bought < rows, `${bought} of ${rows} calls`);
  client.socket.resume();
  assert.equal(resultOf(await client.until('Z')).tags, [`SELECT ${rows}`]);
  assert.is(calls.sent, rows);
  client.close();
});

test('a portal whose rows are not asked for holds its calls back', async () => {
  const client = await PgClient.connect(server.port);
  await client.query('BEGIN');
  const first = await client.run(parse(map(4_000)), bind(), execute(3), sync);
  assert.is(first.rows.length, 3);
  await sleep(900);
  const bought = calls.sent;
  await sleep(300);
  assert.is(calls.sent, bought);
  await client.query('ROLLBACK');
  client.close();
});

test('MEANS behind rows that a client does not read asks nothing until they are read', async () => {
  calls.text = '{"answer": true}';
  const client = await PgClient.connect(server.port);
  const unread = "SELECT repeat('x', 1000) AS t FROM range(50000)";
  client.socket.pause();
  client.send(query(`${unread}; SELECT d FROM (VALUES ('a'), ('b')) t(d) WHERE d MEANS 'good'`));
  assert.is(await settledCalls(), 0);
  client.socket.resume();
  const { tags } = resultOf(await client.until('Z'));
  assert.equal(tags, ['SELECT 50000', 'SELECT 2']);
  assert.is(calls.sent, 2);
  client.close();
});

/** `rows` wide rows, all of which the model takes for rare. */
const wide = (rows: number, what: string) =>
  `-- @ parallel: 8\n-- @ max_calls: 5000\nSELECT 'item ' || d AS d, repeat('x', 60000) AS wide FROM range(${rows}) r(d) WHERE 'item ' || d MEANS '${what}'`;

test('a client that stops reading the rows of MEANS stops the buying, and gets every row when it reads again', async () => {
  calls.text = '{"answer": true}';
  const rows = 2_000;
  for (const round of ['first', 'second']) {
    calls.sent = 0;
    calls.ms = 20;
    const client = await PgClient.connect(server.port);
    client.send(query(wide(rows, `rare, ${round}`)));
    await client.until('D');
    client.socket.pause();
    const bought = await settledCalls();
    assert.ok(bought < rows, `${bought} of ${rows} calls`);
    calls.ms = 1;
    client.socket.resume();
    const { rows: read, tags } = resultOf(await client.until('Z'));
    assert.equal(tags, [`SELECT ${rows}`]);
    assert.equal(
      read.map(([d]) => d),
      Array.from({ length: rows - 1 }, (_, row) => `item ${row + 1}`),
    );
    assert.is(calls.sent, rows);
    client.close();
  }
});

test('a client that vanishes after the first rows of MEANS has its calls aborted within a second', async () => {
  calls.text = '{"answer": true}';
  const client = await PgClient.connect(server.port);
  client.send(query(wide(2_000, 'gone')));
  await client.until('D');
  calls.ms = 60_000;
  await sleep(300);
  const { sent } = calls;
  client.socket.destroy();
  await sleep(1_000);
  assert.ok(calls.aborted > 0);
  assert.is(calls.sent, sent);
  assert.is(await settledCalls(), sent);
});

test('a client that vanishes during MEANS has its calls aborted within a second', async () => {
  calls.ms = 60_000;
  const client = await PgClient.connect(server.port);
  client.send(
    query("SELECT 'item ' || range AS d FROM range(40) WHERE 'item ' || range MEANS 'rare'"),
  );
  while (calls.sent === 0) await sleep(10);
  client.socket.destroy();
  await sleep(1_000);
  assert.is(calls.aborted, calls.sent);
  const sent = await settledCalls();
  assert.is(calls.aborted, sent);
  reportCases(6, 'clients that do not read');
});

test.run();
