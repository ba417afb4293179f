import { setTimeout as sleep } from 'node:timers/promises';
import { setEnvironmentData } from 'node:worker_threads';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadCascade } from '../../src/cascade/load-cascade.ts';
import { LocalDispatcher } from '../../src/execute/local-dispatcher.ts';
import { RvbbitError } from '../../src/index.ts';
import { cases, reportCases } from '../support/cases.ts';
import { silentHost } from './silent-host.ts';
import {
  assertAddsUp,
  assertUsable,
  cascades,
  errorOf,
  random,
  runFault,
  watchWorkers,
  withEngine,
} from './support.ts';

const workers = watchWorkers();

function dispatcherWith(entry: string): LocalDispatcher {
  return new LocalDispatcher({
    threads: 2,
    workerHeapMb: 256,
    rssMb: undefined,
    entry: new URL(`../../../test/fixtures/workers/${entry}`, import.meta.url),
  });
}

for (const entry of ['throws-at-start.mjs', 'exits-at-start.mjs', 'never-says-a-word.mjs']) {
  test(`workers of ${entry} that never start are RVB_WORKER_BOOT within six seconds, at every try`, async () => {
    const dispatcher = dispatcherWith(entry);
    try {
      for (let attempt = 0; attempt < 2; attempt++) {
        const startedMs = performance.now();
        const error = await errorOf(dispatcher.ready());
        assert.is(error.code, 'RVB_WORKER_BOOT');
        assert.ok(performance.now() - startedMs < 7_000, `${performance.now() - startedMs} ms`);
        if (entry !== 'throws-at-start.mjs') break;
      }
    } finally {
      await dispatcher.close();
    }
  });
}

test('workers that die at their first starts do not keep the next ones from running rows', async () => {
  const cascade = await loadCascade(cascades, 'quick.yaml');
  for (const deaths of [1, 2, 4]) {
    const left = new Int32Array(new SharedArrayBuffer(4));
    left[0] = deaths;
    setEnvironmentData('deaths-left', left.buffer);
    const dispatcher = dispatcherWith('dies-at-first-starts.mjs');
    try {
      // Two threads: each is started anew once; after that the pool has failed, and the next try makes a new one.
      const first = await dispatcher.ready().then(
        () => undefined,
        (error: { code: string }) => error.code,
      );
      assert.is(first, deaths < 4 ? undefined : 'RVB_WORKER_BOOT', `${deaths} deaths`);
      await dispatcher.ready();
      const statementId = 1_000_000 + deaths;
      dispatcher.openStatement(silentHost(statementId, cascade));
      const result = await dispatcher.dispatch(
        {
          taskId: statementId,
          statementId,
          firstOrdinal: 0,
          rowCount: 2,
          columns: { n: [0, 1], hit: [false, false], folder: ['', ''] },
          cascadeHash: cascade.hash,
          settings: { kind: 'map', timeoutMs: 10_000, keepOutputs: false },
        },
        { alone: false },
      );
      assert.equal(result.kind === 'done' && result.outcome.values, ['v0', 'v1']);
      dispatcher.closeStatement(statementId);
    } finally {
      await dispatcher.close();
      setEnvironmentData('deaths-left', undefined);
    }
  }
});

test('a pool whose replacement for a dead worker dies at its start is soon whole again, and loses no task', async () => {
  const cascade = await loadCascade(cascades, 'sleeps.yaml');
  const left = new Int32Array(new SharedArrayBuffer(4));
  setEnvironmentData('deaths-left', left.buffer);
  const dispatcher = dispatcherWith('dies-at-first-starts.mjs');
  const before = new Set(workers);
  const own = () => [...workers].filter((worker) => !before.has(worker));
  const statementId = 2_000_000;
  let taskId = statementId;
  const run = (sleepMs: number) =>
    dispatcher.dispatch(
      {
        taskId: taskId++,
        statementId,
        firstOrdinal: 0,
        rowCount: 1,
        columns: { n: [0], ms: [sleepMs] },
        cascadeHash: cascade.hash,
        settings: { kind: 'map', timeoutMs: 60_000, keepOutputs: false },
      },
      { alone: false },
    );
  try {
    dispatcher.openStatement(silentHost(statementId, cascade));
    dispatcher.start(2);
    await until(() => Atomics.load(left, 0) === -2, 'both threads have started');
    Atomics.store(left, 0, 1);
    await own()[0]!.terminate();
    await until(() => Atomics.load(left, 0) === 0 && own().length === 1, 'its replacement died');
    const slow = Promise.all([run(4_000), run(4_000)]);
    await until(async () => {
      const result = await run(1);
      assert.is(result.kind, 'done');
      return Atomics.load(left, 0) === -1 && own().length === 2;
    }, 'there are two threads again');
    for (const result of await slow) assert.is(result.kind, 'done', 'what was out is not lost');
    await until(() => own().length === 2, 'and no more than two');
    assert.is((await run(1)).kind, 'done');
  } finally {
    await dispatcher.close();
    setEnvironmentData('deaths-left', undefined);
  }
  assert.is(own().length, 0, 'no thread is left behind');
});

/** Waits for what must come to pass. */
async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const endMs = performance.now() + 20_000; performance.now() < endMs; await sleep(20)) {
    if (await holds()) return;
  }
  throw new Error(`in 20 s not come to pass: ${what}`);
}

test('every worker at once may be ended, again and again, and the next statement still runs', async () => {
  const rounds = cases(5, 50);
  await withEngine({}, async (engine) => {
    for (let round = 0; round < rounds; round++) {
      await runFault(engine, { cascade: 'quick', rows: 50, hits: [], parallel: 4 });
      await Promise.all([...workers].map((worker) => worker.terminate()));
      if (round % 2 === 1) await sleep(random(120));
    }
    await assertUsable(engine);
  });
  reportCases(rounds, 'times that every worker was ended');
});

test('code that ends every worker at every row ends the statement with RVB_WORKER_LOST', async () => {
  await withEngine({}, async (engine) => {
    const startedMs = performance.now();
    const outcome = await engine
      .query(
        `RVBBIT MAP PARALLEL 4 'poison.yaml' AS v USING (SELECT i AS n, true AS hit, '' AS folder FROM range(50) t(i))`,
      )
      .catch((error: RvbbitError) => error);
    assert.instance(outcome, RvbbitError);
    assert.is((outcome as RvbbitError).code, 'RVB_WORKER_LOST');
    assertAddsUp((outcome as RvbbitError).summary!);
    assert.ok(performance.now() - startedMs < 30_000);
    await assertUsable(engine);
  });
});

test.run();
