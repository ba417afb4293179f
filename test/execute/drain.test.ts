/** A statement that is to end early: rows of a chunk that have not begun do not begin. */
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { WorkerLinks } from '../../src/execute/worker-links.ts';
import { Engine } from '../../src/index.ts';
import { CHUNK_GIVE_BACK_MS } from '../../src/limits.ts';
import { Beacon } from '../../workers/beacon.ts';
import { cascades, errorOf } from '../model/engine-support.ts';

const LANES = 2;
/** Calls that are answered at once, so that chunks grow to several rows. */
const QUICK = 21;

test('a drained statement starts no further row, not even of the chunks that are out', async () => {
  let calls = 0;
  const held: (() => void)[] = [];
  const drain = new AbortController();
  await using engine = await Engine.open({
    cascades,
    threads: 2,
    model: async () => {
      calls += 1;
      if (calls > QUICK && !drain.signal.aborted) {
        await new Promise<void>((resolve) => held.push(resolve));
      }
      return { text: '1', finishReason: 'stop' };
    },
  });
  const statement = engine.query(
    `RVBBIT MAP PARALLEL ${LANES} 'patient.yaml' AS v USING (SELECT 'row' AS word, range AS number, '{}' AS sim FROM range(200)) WITH (limit = 200)`,
    undefined,
    { drain: drain.signal },
  );
  while (held.length < LANES) await new Promise((resolve) => setTimeout(resolve, 5));
  drain.abort();
  for (const answer of held) answer();
  const { rows, summary } = await statement;
  assert.is(summary.reason, 'interrupted');
  assert.is(calls, QUICK + LANES);
  assert.is(rows.length, calls);
  assert.is(summary.rows.ok, calls);
});

test("after a row that failed under on_error = 'fail' none of its chunk begins", async () => {
  let calls = 0;
  await using engine = await Engine.open({
    cascades,
    threads: 1,
    model: async () => {
      calls += 1;
      if (calls > QUICK) throw new Error('out of order');
      return { text: '1', finishReason: 'stop' };
    },
  });
  const error = await errorOf(
    engine.query(
      `RVBBIT MAP PARALLEL 1 'patient.yaml' AS v USING (SELECT 'row' AS word, range AS number, '{}' AS sim FROM range(200)) WITH (limit = 200, on_error = 'fail')`,
    ),
  );
  assert.match(error.message, new RegExp(`^row ${QUICK + 1}: .*out of order`));
  assert.is(calls, QUICK + 1);
});

test('rows whose answers are at hand do not wait for the many behind them that must be asked', async () => {
  const known = 600;
  let calls = 0;
  let settled = 0;
  let settledThen = 0;
  const drain = new AbortController();
  await using engine = await Engine.open({
    cascades,
    threads: 1,
    model: async () => {
      calls += 1;
      if (calls > known)
        await new Promise((resolve) => setTimeout(resolve, CHUNK_GIVE_BACK_MS / 2));
      // Two rows have had the time of a chunk by then, and the two after them theirs.
      if (calls === known + 5) {
        settledThen = settled;
        drain.abort();
      }
      return { text: '1', finishReason: 'stop' };
    },
  });
  engine.events.on('rows', ({ count }) => {
    settled += count;
  });
  const sql = (rows: number) =>
    `RVBBIT MAP PARALLEL 1 'patient.yaml' AS v USING (SELECT 'row' AS word, range AS number, '{}' AS sim FROM range(${rows})) WITH (limit = ${rows})`;
  await engine.query(sql(known));
  settled = 0;
  const { rows, summary } = await engine.query(sql(2 * known), undefined, { drain: drain.signal });
  assert.ok(settledThen >= known + 2, `${settledThen} rows had settled`);
  assert.is(summary.reason, 'interrupted');
  assert.is(rows.length, known + 5);
  assert.is(summary.rows.notRun, known - 5);
  assert.is(summary.calls.cacheHits, known);
});

test('a worker that comes up late hears of the statements that were drained or cancelled before', async () => {
  const links = new WorkerLinks();
  links.drainStatement(7);
  links.cancelStatement(8);
  const { port1, port2 } = new MessageChannel();
  links.welcome(
    { kind: 'rvbbit.hello', threadId: 1, port: port2, beacon: new Beacon().memory },
    () => assert.unreachable('no chunk was sent'),
  );
  const heard: unknown[] = [];
  for (
    let received = receiveMessageOnPort(port1);
    received !== undefined;
    received = receiveMessageOnPort(port1)
  ) {
    heard.push(...(received.message as readonly unknown[]));
  }
  port1.close();
  const [{ kind }, ...stops] = heard as [{ kind: string }, ...unknown[]];
  assert.is(kind, 'sockets');
  assert.equal(stops, [
    { kind: 'drain', statementId: 7 },
    { kind: 'cancel', statementId: 8 },
  ]);
});

test.run();
