import { setImmediate as tick } from 'node:timers/promises';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type RunInputs, subChunk } from '../../src/execute/chunk.ts';
import { CHUNK_WAITING_RUNS, ChunkPolicy } from '../../src/execute/chunk-policy.ts';
import { runLanes } from '../../src/execute/lanes.ts';
import { RunCursor } from '../../src/execute/run-cursor.ts';
import { Window } from '../../src/execute/window.ts';
import { CHUNK_MAX_ROWS } from '../../src/limits.ts';
import { cases, reportCases, seed } from '../support/cases.ts';

function countingInputs(runCount: number): RunInputs {
  return {
    runCount,
    read: async (first, count) => ({
      columns: { n: Array.from({ length: count }, (_, index) => first + index) },
    }),
    rowsOf: async (run) => [run],
  };
}

test('every run is taken once, in order, with never more chunks out than lanes', async () => {
  const runs = cases(200, 5_000);
  const property = fc.asyncProperty(
    fc.nat(400),
    fc.integer({ min: 1, max: 20 }),
    fc.infiniteStream(fc.nat(3)),
    async (runCount, parallel, delays) => {
      const window = new Window(parallel);
      const policy = new ChunkPolicy(parallel);
      const cursor = new RunCursor(countingInputs(runCount), policy, window);
      const wait = delays[Symbol.iterator]();
      const seen: number[] = [];
      let out = 0;
      let most = 0;
      await runLanes({
        parallel,
        next: () => cursor.take(),
        stop: () => window.close(),
        settle: async (chunk) => {
          out += 1;
          most = Math.max(most, out);
          seen.push(...(chunk.columns['n'] as number[]));
          for (let left = wait.next().value as number; left > 0; left--) await tick();
          policy.observe(chunk.rowCount, 1);
          out -= 1;
          window.release(chunk.rowCount);
        },
      });
      assert.equal(
        seen,
        Array.from({ length: runCount }, (_, index) => index),
      );
      assert.ok(most <= parallel, `${most} chunks out on ${parallel} lanes`);
    },
  );
  await fc.assert(property, { seed, numRuns: runs });
  reportCases(runs, 'lane schedules');
});

test('the first failure stops the other lanes and is the one that is thrown', async () => {
  let stops = 0;
  let taken = 0;
  const failing = runLanes({
    parallel: 4,
    next: async () => ({ firstOrdinal: taken++, rowCount: 1, columns: {} }),
    stop: () => {
      stops += 1;
    },
    settle: async ({ firstOrdinal }) => {
      await tick();
      if (firstOrdinal >= 10) throw new Error(`run ${firstOrdinal}`);
    },
  });
  await failing.then(
    () => assert.unreachable(),
    (error: Error) => assert.is(error.message, 'run 10'),
  );
  assert.is(stops, 1);
  assert.ok(taken < 20);
});

test('a full window holds the lanes back until something is delivered', async () => {
  const window = new Window(1);
  const cursor = new RunCursor(countingInputs(10_000), new ChunkPolicy(1), window);
  let taken = 0;
  let delivered = 0;
  const lane = (async () => {
    for (let chunk = await cursor.take(); chunk !== undefined; chunk = await cursor.take()) {
      taken += chunk.rowCount;
    }
  })();
  while (taken < 256) await tick();
  for (let i = 0; i < 10; i++) await tick();
  assert.is(taken, 256);
  window.release(100);
  delivered += 100;
  for (let i = 0; i < 10; i++) await tick();
  assert.is(taken, 256 + delivered);
  window.close();
  await lane;
});

test('lanes that wait for the same room take no more than there is', async () => {
  let room = 2;
  const window = new Window(8, () => room);
  const cursor = new RunCursor(countingInputs(100), new ChunkPolicy(8, { maxRuns: 1 }), window);
  let taken = 0;
  const lanes = Array.from({ length: 8 }, async () => {
    for (;;) {
      const chunk = await cursor.take();
      if (chunk === undefined) return;
      taken += chunk.rowCount;
    }
  });
  for (let i = 0; i < 10; i++) await tick();
  assert.is(taken, 2);
  window.release(1);
  for (let i = 0; i < 10; i++) await tick();
  assert.is(taken, 3);
  room = 5;
  window.release(1);
  for (let i = 0; i < 10; i++) await tick();
  assert.is(taken, 7);
  window.close();
  await Promise.all(lanes);
});

test('runs that are given back go first, as many at a time as is due, and into no room of their own', async () => {
  const window = new Window(1, () => 9);
  const policy = new ChunkPolicy(1);
  const cursor = new RunCursor(countingInputs(100), policy, window);
  const first = (await cursor.take())!;
  assert.is(first.rowCount, 1);
  policy.observe(1, 1);
  policy.observe(2, 1);
  const next = (await cursor.take())!;
  assert.equal([next.firstOrdinal, next.rowCount], [1, 4]);
  const last = (await cursor.take())!;
  assert.equal([last.firstOrdinal, last.rowCount], [5, 4]);
  policy.observe(1, 1_000);
  cursor.giveBack(subChunk(next, 1, 3));
  for (const ordinal of [2, 3, 4]) {
    const { firstOrdinal, rowCount, columns } = (await cursor.take())!;
    assert.equal([firstOrdinal, rowCount, columns], [ordinal, 1, { n: [ordinal] }]);
  }
  let isTaken = false;
  const waiting = cursor.take().then((chunk) => {
    isTaken = true;
    return chunk;
  });
  for (let i = 0; i < 10; i++) await tick();
  assert.not.ok(isTaken, 'the window is full');
  window.release(9);
  assert.is((await waiting)?.firstOrdinal, 9);
});

test('chunks start at one run, double while cheap, shrink when dear, and taper off at the end', () => {
  const policy = new ChunkPolicy(2);
  const sizes = [1, 2, 4, 8, 16];
  for (const size of sizes) {
    assert.is(policy.size(1_000_000), size);
    policy.observe(size, 1);
  }
  for (let i = 0; i < 20; i++) policy.observe(CHUNK_MAX_ROWS, 1);
  assert.is(policy.size(1_000_000), CHUNK_MAX_ROWS);
  assert.is(policy.size(100), 100, 'what takes next to no time is not split');
  policy.observe(20, 4);
  assert.is(policy.size(100), 25);
  assert.is(policy.size(1), 1);
  policy.observe(2_000, 100);
  assert.is(policy.size(1_000_000), 100);
  policy.observe(1, 500);
  assert.is(policy.size(1_000_000), 1);
});

test('a statement begins with what an earlier one has learned of its cascade', () => {
  const first = new ChunkPolicy(2);
  for (const size of [1, 2, 4, 8]) first.observe(size, 1);
  const second = new ChunkPolicy(2, { known: first.learned });
  assert.is(second.size(1_000_000), 16);
  assert.is(second.size(8), 2);
  const small = new ChunkPolicy(2, { known: first.learned, maxRuns: 5 });
  assert.is(small.size(1_000_000), 5);
});

test('runs that wait for models travel a few at a time where they are short, and alone where they are not', () => {
  const policy = new ChunkPolicy(2, { waits: true });
  const sizeAfter = (runMs: number): number => {
    for (let i = 0; i < 10; i++) {
      const size = policy.size(1_000_000);
      policy.observe(size, size * runMs);
    }
    return policy.size(1_000_000);
  };
  assert.is(sizeAfter(1_000), 1);
  assert.is(sizeAfter(50), CHUNK_WAITING_RUNS);
  assert.ok(sizeAfter(0.01) > CHUNK_WAITING_RUNS, 'stored answers travel by the hundred');
  assert.is(sizeAfter(50), CHUNK_WAITING_RUNS);
  assert.is(sizeAfter(1_000), 1);
  policy.observe(1, 50);
  policy.observe(2, 100);
  assert.is(policy.size(4), 1, 'the last ones travel alone');
  assert.is(policy.size(8), 1, 'until each lane has four of them left');
  assert.is(policy.size(9), 2);
});

test.run();
