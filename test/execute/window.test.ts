/** How far lanes run ahead of what is delivered: the bounds on runs and chunks are exact. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { RunInputs } from '../../src/execute/chunk.ts';
import { ChunkPolicy } from '../../src/execute/chunk-policy.ts';
import { RunCursor } from '../../src/execute/run-cursor.ts';
import { Window } from '../../src/execute/window.ts';
import { WINDOW_MAX_RUNS } from '../../src/limits.ts';

/** A cursor over `runCount` runs whose chunks have grown as far as they may. */
function cursorOver(runCount: number, window: Window): RunCursor {
  const inputs: RunInputs = {
    runCount,
    read: async (_, count) => ({ columns: { n: Array.from({ length: count }, () => 0) } }),
    rowsOf: async (run) => [run],
  };
  const policy = new ChunkPolicy(1);
  for (let size = 1; size <= 2_048; size *= 2) policy.observe(size, 0);
  return new RunCursor(inputs, policy, window);
}

/** Takes chunks until the window holds the cursor back; gives their sizes. */
async function takeAll(cursor: RunCursor, window: Window): Promise<number[]> {
  const sizes: number[] = [];
  while (window.hasRoom) sizes.push((await cursor.take())!.rowCount);
  return sizes;
}

const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);

test('no more runs are taken than the window holds, whatever the size of a chunk', async () => {
  for (const maxRuns of [1, 100, 5_000, WINDOW_MAX_RUNS]) {
    const window = new Window(1, () => maxRuns);
    const cursor = cursorOver(1_000_000, window);
    assert.is(sum(await takeAll(cursor, window)), maxRuns);
    window.release(1);
    assert.equal(await takeAll(cursor, window), [1]);
    window.release(maxRuns);
    assert.is(sum(await takeAll(cursor, window)), maxRuns);
  }
});

test('no more chunks are taken than the window holds', async () => {
  for (const parallel of [1, 50]) {
    const window = new Window(parallel);
    for (let chunk = 0; chunk < Math.max(256, 16 * parallel); chunk++) {
      assert.ok(window.hasRoom);
      window.take(1);
    }
    assert.not.ok(window.hasRoom);
    window.release(1);
    assert.ok(window.hasRoom);
  }
});

test('a held window gives no chunk until it is resumed or closed', async () => {
  for (const end of ['resume', 'close'] as const) {
    const window = new Window(1);
    window.hold();
    assert.not.ok(window.hasRoom);
    const waiting = window.room();
    window[end]();
    await waiting;
    assert.ok(window.hasRoom);
  }
});

test('a closed window holds nothing back', async () => {
  const window = new Window(1, () => 1);
  const cursor = cursorOver(10_000, window);
  assert.equal(await takeAll(cursor, window), [1]);
  const waiting = cursor.take();
  window.close();
  assert.ok((await waiting)!.rowCount > 1);
});

test.run();
