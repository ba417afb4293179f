/** Chunks that travel to a worker together, and outcomes that come back with what else was said. */
import { MessagePort, setEnvironmentData } from 'node:worker_threads';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadCascade } from '../../src/cascade/load-cascade.ts';
import type { DispatchResult } from '../../src/execute/dispatcher.ts';
import { LocalDispatcher } from '../../src/execute/local-dispatcher.ts';
import { WorkerPool } from '../../src/execute/worker-pool.ts';
import { Engine } from '../../src/index.ts';
import { packageFile } from '../../src/util/package-files.ts';
import type { ChunkOutcome, ChunkTask, WorkerHello } from '../../workers/protocol.ts';
import { silentHost } from '../fault/silent-host.ts';
import { cascades, watchWorkers, withFolder } from '../fault/support.ts';

const workers = watchWorkers();
const STATEMENT = 3_000_000;
const LOST = 'lost';
const models = { targets: {}, parameters: {} };
let lastTaskId = STATEMENT;

function taskOf(columns: ChunkTask['columns'], cascadeHash = ''): ChunkTask {
  return {
    taskId: ++lastTaskId,
    statementId: STATEMENT,
    firstOrdinal: 0,
    rowCount: 1,
    columns,
    cascadeHash,
    // With models, though its cells ask none: chunks that only compute travel alone.
    settings: { kind: 'map', timeoutMs: 3_600_000, keepOutputs: false, models },
  };
}

function outcomeOf(taskId: number): ChunkOutcome {
  return { taskId, values: ['v'], failures: [], skipped: [], durationMs: 1, cancelled: false };
}

async function withDispatcher(
  file: string,
  entry: string | undefined,
  use: (
    send: (columns: ChunkTask['columns']) => Promise<DispatchResult>,
    dispatcher: LocalDispatcher,
  ) => Promise<void>,
): Promise<void> {
  const cascade = await loadCascade(cascades, file);
  const dispatcher = new LocalDispatcher({
    threads: 1,
    workerHeapMb: 256,
    rssMb: undefined,
    ...(entry === undefined ? {} : { entry: fixture(entry) }),
  });
  try {
    dispatcher.openStatement(silentHost(STATEMENT, cascade));
    await dispatcher.ready();
    const send = (columns: ChunkTask['columns']) =>
      dispatcher.dispatch(taskOf(columns, cascade.hash), { alone: false });
    await use(send, dispatcher);
  } finally {
    await dispatcher.close();
  }
}

function fixture(name: string): URL {
  return new URL(`../../../test/fixtures/workers/${name}`, import.meta.url);
}

/** Counts what the main thread posts to workers, and the messages that wake it on ports that are opened from now on. */
function countMessages(): () => number {
  const port = MessagePort.prototype;
  const { postMessage, on } = port;
  let count = 0;
  port.postMessage = function (...args: Parameters<typeof postMessage>) {
    count += 1;
    return postMessage.apply(this, args);
  };
  port.on = function (this: MessagePort, event: string, hear: (...args: unknown[]) => void) {
    return on.call(this, event, (...args: unknown[]) => {
      if (event === 'message') count += 1;
      hear(...args);
    });
  } as typeof on;
  return () => count;
}

const answerOf = (result: DispatchResult) =>
  result.kind === 'done' ? result.outcome.values[0] : LOST;

const rowOf = (n: number, ms: number, hit = false) => ({ n: [n], ms: [ms], hit: [hit] });

/**
 * Sends four chunks in one message. The worker answers the first two, and dies of the third one. The main thread
 * hears of all that at once, because it is busy meanwhile.
 */
async function sendToDeath(
  send: (columns: ChunkTask['columns']) => Promise<DispatchResult>,
): Promise<void> {
  assert.is(answerOf(await send(rowOf(9, 0))), 'v9');
  const sent = [rowOf(0, 1), rowOf(1, 1), rowOf(2, 200, true), rowOf(3, 3_600_000)].map(send);
  await new Promise((resolve) => setTimeout(resolve, 20));
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600);
  const results = await Promise.all(sent);
  assert.equal(results.map(answerOf), ['v0', 'v1', LOST, LOST]);
  const deaths = results.map((result) => (result.kind === 'lost' ? result.deathId : undefined));
  assert.is(deaths[2], deaths[3]);
}

test('a worker that dies in a message loses only the chunks without an outcome, in one death', () =>
  withDispatcher('sleeps-then-exits.yaml', undefined, sendToDeath));

test('outcomes of a worker whose replacement does not start are read, and the rest runs in a new pool', async () => {
  const left = new Int32Array(new SharedArrayBuffer(4));
  setEnvironmentData('deaths-left', left.buffer);
  try {
    await withDispatcher('sleeps-then-exits.yaml', 'dies-at-first-starts.mjs', async (send) => {
      Atomics.store(left, 0, 1);
      await sendToDeath(send);
      const again = () => Promise.all([2, 3].map((n) => send(rowOf(n, 1))));
      assert.equal((await again()).map(answerOf), [LOST, LOST], 'sent to the replacement');
      assert.equal((await again()).map(answerOf), ['v2', 'v3']);
    });
  } finally {
    setEnvironmentData('deaths-left', undefined);
  }
});

test('a row of a message whose worker dies is there once, and only calls in flight are made again', () =>
  withFolder(async (folder) => {
    const strikes = 3;
    const rows = 8;
    const calls = Array.from({ length: rows }, () => 0);
    const held: (() => void)[] = [];
    let isOpen = false;
    await using engine = await Engine.open({
      cascades,
      threads: 1,
      model: async ({ messages }) => {
        const text = String(messages.at(-1)!.content);
        calls[Number(text.replace('Row ', ''))]! += 1;
        if (!isOpen) await new Promise<void>((resolve) => held.push(resolve));
        return { text, finishReason: 'stop' };
      },
    });
    let lost = 0;
    engine.events.on('worker.lost', () => {
      lost += 1;
      isOpen = true;
    });
    const statement = engine.query(
      `RVBBIT MAP PARALLEL ${rows} 'ask-then-strike-once.yaml' AS v USING (
         SELECT i AS n, '${folder}' AS folder, CASE WHEN i = ${strikes} THEN 'exit' ELSE 'nothing' END AS strike
         FROM range(${rows}) t(i))`,
    );
    while (held.length < rows) await new Promise((resolve) => setTimeout(resolve, 5));
    for (const answer of held.slice(0, strikes + 1)) answer();
    const { rows: got, summary } = await statement;
    for (const answer of held) answer();
    assert.equal(
      got.map(({ v }) => v),
      got.map((_, n) => `Row ${n}`),
    );
    assert.is(summary.rows.ok, rows);
    assert.is(lost, 1);
    assert.equal(
      calls,
      calls.map((_, n) => (n <= strikes ? 1 : 2)),
    );
  }));

test('what a worker posted is read before its tasks are given up, and before its thread is', async () => {
  const flag = new Int32Array(new SharedArrayBuffer(4));
  setEnvironmentData('exits-when-told', flag.buffer);
  const unread: number[] = [];
  let settle: (outcome: ChunkOutcome) => void = () => {};
  const pool = await WorkerPool.start({
    ...poolOptions('exits-when-told.mjs'),
    welcome: (hello, take) => {
      hello.port.unref();
      settle = take;
    },
    hear: () => {
      for (const taskId of unread.splice(0)) settle(outcomeOf(taskId));
    },
  });
  try {
    const tasks = [1, 2, 3, 4].map((n) => taskOf({ n: [n] }));
    const run = (task: ChunkTask) =>
      pool.run(task).then(
        ({ taskId }) => taskId === task.taskId,
        (thrown: Error) => thrown.message,
      );
    unread.push(tasks[0]!.taskId);
    const sent = Promise.all(tasks.slice(0, 2).map(run));
    await new Promise((resolve) => setTimeout(resolve, 50));
    Atomics.store(flag, 0, 1);
    assert.equal(await sent, [true, 'worker exited with code: 1']);
    // Its successor does not start either: the pool gives up the thread.
    unread.push(tasks[2]!.taskId);
    assert.equal(await Promise.all(tasks.slice(2).map(run)), [
      true,
      'the worker is gone: this worker does not start',
    ]);
    assert.is(pool.alive, false);
  } finally {
    await pool.destroy();
    setEnvironmentData('exits-when-told', undefined);
  }
});

test('a pool that is closed rejects its tasks, also those of this turn, and starts no thread', async () => {
  const pool = await WorkerPool.start(poolOptions());
  const gone = /^the worker is gone: its pool was closed$/;
  const run = () =>
    pool.run(taskOf({ n: [1] })).then(
      () => 'done',
      (thrown: Error) => thrown.message,
    );
  const waiting = [run(), run()];
  const closed = pool.destroy();
  const late = run();
  for (const message of await Promise.all([...waiting, late])) assert.match(message, gone);
  await closed;
  assert.match(await run(), gone);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.is(workers.size, 0, 'no thread is left');
});

test('chunks that are cancelled while they wait for the end of the turn settle without a row', () =>
  withDispatcher('sleeps.yaml', undefined, async (send, dispatcher) => {
    assert.is((await send({ n: [0], ms: [1] })).kind, 'done');
    const results = [1, 2, 3].map((n) => send({ n: [n], ms: [3_600_000] }));
    // Callbacks of promises run before the turn ends.
    for (let hop = 0; hop < 50; hop++) await undefined;
    dispatcher.cancelStatement(STATEMENT);
    for (const result of await Promise.all(results)) {
      assert.is(result.kind, 'done');
      if (result.kind !== 'done') continue;
      assert.is(result.outcome.cancelled, true);
      assert.equal(result.outcome.values, []);
    }
  }));

test('fifty runs in flight share their messages, and are never more than fifty', async () => {
  const messages = countMessages();
  const rows = 1_000;
  const parallel = 50;
  const held: (() => void)[] = [];
  let calls = 0;
  let most = 0;
  const tick = setInterval(() => {
    for (const answer of held.splice(0)) answer();
  }, 20);
  await using engine = await Engine.open({
    cascades,
    threads: 1,
    model: async () => {
      calls += 1;
      await new Promise<void>((resolve) => {
        most = Math.max(most, held.push(resolve));
      });
      return { text: '1', finishReason: 'stop' };
    },
  });
  try {
    const { summary } = await engine.query(
      `RVBBIT MAP PARALLEL ${parallel} 'ask-then-strike-once.yaml' AS v USING (SELECT i AS n, '' AS folder, 'nothing' AS strike FROM range(${rows}) t(i))`,
    );
    assert.is(summary.rows.ok, rows);
  } finally {
    clearInterval(tick);
  }
  assert.is(calls, rows);
  assert.is(most, parallel);
  assert.ok(messages() < calls / 2, `${messages()} messages of ${calls} calls`);
});

function poolOptions(entry?: string): Parameters<typeof WorkerPool.start>[0] {
  return {
    threads: 1,
    tasksPerWorker: 8,
    workerHeapMb: 256,
    entry: entry === undefined ? packageFile('dist/bundle/worker.cjs') : fixture(entry),
    welcome: ({ port }: WorkerHello) => port.unref(),
    hear: () => {},
    gatherMost: () => 8,
    utilizationOf: () => 0,
  };
}

test.run();
