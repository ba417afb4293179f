/** Model calls of a client's statements: rows as they become certain, cancel, clients that do not read or that vanish. */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeFolder, removeFolder } from '../../cli/spawn.ts';
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
import { startServer } from './support.ts';

/** The longest answer of the model, so that few rows fill the buffers between server and client. */
const LONG = 128 * 1024;
const CALL_MS = 20;

const cascades = makeFolder({
  'ask.yaml':
    'cascade_id: ask\ninputs_schema: { n: a number }\ncells:\n  - { name: a, model: m/m, instructions: "{{ input.n }}" }\n',
});
let sent = 0;
let aborted = 0;
let answerChars = 2;
let callMs = CALL_MS;
const server = await startServer(
  {},
  {
    cascades,
    model: async (_, { signal }) => {
      sent += 1;
      try {
        await sleep(callMs, undefined, { signal });
      } catch (thrown) {
        aborted += 1;
        throw thrown;
      }
      return {
        text: 'y'.repeat(answerChars),
        finishReason: 'stop',
        usage: { inputTokens: 1, outputTokens: 1 },
      };
    },
  },
);
test.after(async () => {
  await server.close(0);
  removeFolder(cascades);
});
test.before.each(() => {
  sent = 0;
  aborted = 0;
  answerChars = 2;
  callMs = CALL_MS;
});

let round = 0;
/** A MAP of other inputs each time, so that no answer is known. */
const map = (rows: number, parallel = 4) => {
  round += 1;
  return `RVBBIT MAP PARALLEL ${parallel} 'ask.yaml' AS v USING (SELECT range + ${round * 100_000} AS n FROM range(${rows})) WITH (limit = ${rows})`;
};

/** Waits until no call has gone out for a while, and returns how many there were in all. */
async function settledCalls(): Promise<number> {
  for (let before = -1; before !== sent; await sleep(700)) before = sent;
  return sent;
}

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
  assert.is(sent, 0);
  const { rows, tags } = await client.run(bind(['2']), execute(), sync);
  assert.equal(rows, [
    ['0', 'yy'],
    ['1', 'yy'],
  ]);
  assert.equal(tags, ['SELECT 2']);
  assert.is(sent, 2);
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
  assert.ok(sent < 30, `${sent} calls before the first row`);
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

test('a cancel with the right key stops the calls within 250 ms, and another key stops nothing', async () => {
  const client = await PgClient.connect(server.port);
  const cancel = (secret: number) => {
    const other = connect({ port: server.port, host: '127.0.0.1' });
    other.end(frame('', 80_877_102, client.processId, secret));
    return new Promise((resolve) => other.once('close', resolve));
  };
  callMs = 200;
  client.send(query(map(1_000)));
  await client.until('D');
  await cancel(client.secret + 1);
  const before = sent;
  await sleep(2 * callMs);
  assert.ok(sent > before, 'the wrong key stopped it');
  // The calls of the four lanes begin and end together, so that there are moments without one.
  for (const seen = sent; sent === seen; ) await sleep(5);
  const startMs = performance.now();
  await cancel(client.secret);
  const result = resultOf(await client.until('Z'));
  const tookMs = performance.now() - startMs;
  assert.is(result.error?.get('C'), '57014');
  assert.is(result.error?.get('R'), 'RVB_CANCELLED');
  const atEnd = sent;
  assert.ok(tookMs < 250, `${tookMs} ms`);
  await sleep(2 * callMs);
  assert.is(sent, atEnd);
  assert.ok(aborted > 0);
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
    await sleep(3 * CALL_MS);
    client.socket[leave]();
    await sleep(600);
    const atEnd = sent;
    await sleep(5 * CALL_MS);
    assert.is(sent, atEnd, leave);
    assert.ok(sent < 1_000, leave);
  }
  for (let wait = 0; server.connections > 0 && wait < 100; wait += 1) await sleep(10);
  assert.is(server.connections, 0);
});

test('a client that stops reading stops the buying of calls, and gets every row when it reads again', async () => {
  answerChars = LONG;
  // So slow that few calls go out in the time until the lanes stop.
  callMs = 50;
  const rows = 400;
  const client = await PgClient.connect(server.port);
  client.send(query(map(rows, 8)));
  await client.until('D');
  client.socket.pause();
  const bought = await settledCalls();
  assert.ok(bought < rows, `${bought} of ${rows} calls`);
  client.socket.resume();
  assert.equal(resultOf(await client.until('Z')).tags, [`SELECT ${rows}`]);
  assert.is(sent, rows);
  client.close();
});

test('a portal whose rows are not asked for holds its calls back', async () => {
  const client = await PgClient.connect(server.port);
  await client.query('BEGIN');
  const first = await client.run(parse(map(4_000)), bind(), execute(3), sync);
  assert.is(first.rows.length, 3);
  await sleep(900);
  const bought = sent;
  await sleep(300);
  assert.is(sent, bought);
  await client.query('ROLLBACK');
  client.close();
});

test.run();
