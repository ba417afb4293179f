import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { RvbbitError } from '../../src/errors.ts';
import type { Chunk, Piece } from '../../src/execute/chunk.ts';
import type { DispatchResult } from '../../src/execute/dispatcher.ts';
import { ChunkRunner } from '../../src/execute/run-chunk.ts';
import type { ChunkTask } from '../../workers/protocol.ts';
import { cases, reportCases, seed } from '../support/cases.ts';

function chunkOf(rowCount: number): Chunk {
  return {
    firstOrdinal: 0,
    rowCount,
    columns: { n: Array.from({ length: rowCount }, (_, index) => index) },
  };
}

function done(task: ChunkTask): DispatchResult {
  return {
    kind: 'done',
    outcome: {
      taskId: task.taskId,
      values: task.columns['n']!.map((n) => String(n)),
      failures: [],
      skipped: [],
      durationMs: 1,
      cancelled: false,
    },
  };
}

/** Settles a chunk of ten on a fleet of workers that behaves as told; gives value or code per row. */
async function settle(
  rowCount: number,
  dispatch: (task: ChunkTask, options: { alone: boolean }) => DispatchResult,
): Promise<{ rows: (string | null | undefined)[]; lost: number }> {
  const rows: (string | null | undefined)[] = Array.from({ length: rowCount });
  let lost = 0;
  const rest: Chunk[] = [];
  const runner = new ChunkRunner({
    dispatcher: { dispatch: async (task, options) => dispatch(task, options) },
    waitsForRuns: false,
    statementId: 1,
    cascadeHash: 'h',
    settings: { kind: 'map', timeoutMs: 1000, keepOutputs: false },
    observe: () => {},
    stalled: () => {},
    attemptsEnded: () => {},
    giveBack: (chunk) => rest.push(chunk),
    later: () => {},
    answersUsed: () => {},
    lost: () => {
      lost += 1;
    },
    accept: async ({ firstOrdinal, values, failures }: Piece) => {
      for (const [index, value] of values.entries()) {
        assert.is(rows[firstOrdinal + index], undefined, 'a row settled twice');
        rows[firstOrdinal + index] = failures.find((f) => f.index === index)?.code ?? value;
      }
    },
  });
  await runner.run(chunkOf(rowCount));
  for (const chunk of rest) await runner.run(chunk);
  return { rows, lost };
}

test('rows that a worker gives back are neither settled nor lost', async () => {
  const sizes: number[] = [];
  const { rows } = await settle(10, (task) => {
    sizes.push(task.rowCount);
    const result = done(task);
    if (result.kind === 'lost' || task.rowCount < 3) return result;
    const { outcome } = result;
    return {
      kind: 'done',
      outcome: { ...outcome, values: outcome.values.slice(0, 3), givesBack: true },
    };
  });
  assert.equal(sizes, [10, 7, 4, 1]);
  assert.equal(
    rows,
    Array.from({ length: 10 }, (_, n) => String(n)),
  );
});

let deathId = 0;
const death = (suspect?: number, overstayedMs?: number): DispatchResult => ({
  kind: 'lost',
  reason: 'worker exited',
  deathId: ++deathId,
  ...(suspect === undefined ? {} : { suspect }),
  ...(overstayedMs === undefined ? {} : { overstayedMs }),
});

test('a row that kills every worker fails alone after two kills; all others are ok', async () => {
  let kills = 0;
  const { rows } = await settle(10, (task) => {
    const poison = task.columns['n']!.indexOf(7);
    if (poison === -1) return done(task);
    kills += 1;
    return death(poison);
  });
  assert.equal(rows, ['0', '1', '2', '3', '4', '5', '6', 'RVB_POISON_ROW', '8', '9']);
  assert.is(kills, 2);
});

test('a poison row is found alone where nothing tells which row it was', async () => {
  const { rows } = await settle(10, (task, { alone }) => {
    if (!task.columns['n']!.includes(3)) return done(task);
    if (alone) assert.is(task.rowCount, 1);
    return death();
  });
  assert.equal(rows, ['0', '1', '2', 'RVB_POISON_ROW', '4', '5', '6', '7', '8', '9']);
});

test('a worker that dies once costs nothing but a second run of its chunk', async () => {
  let first = true;
  const { rows, lost } = await settle(4, (task) => {
    if (!first) return done(task);
    first = false;
    return death();
  });
  assert.equal(rows, ['0', '1', '2', '3']);
  assert.is(lost, 1);
});

test('a row that overstays its limit fails with RVB_TIMEOUT at the first time', async () => {
  const { rows } = await settle(3, (task) => {
    const slow = task.columns['n']!.indexOf(1);
    return slow === -1 ? done(task) : death(slow, 50);
  });
  assert.equal(rows, ['0', 'RVB_TIMEOUT', '2']);
});

test('a row that no worker lives long enough to begin fails alone, the others are ok', async () => {
  const { rows } = await settle(10, (task) => {
    if (!task.columns['n']!.includes(4)) return done(task);
    return { ...death(), begun: false } as DispatchResult;
  });
  assert.equal(rows, ['0', '1', '2', '3', 'RVB_POISON_ROW', '5', '6', '7', '8', '9']);
});

test('workers that keep dying before a row settles end the statement', async () => {
  try {
    await settle(50, () => death());
    assert.unreachable();
  } catch (thrown) {
    assert.is((thrown as RvbbitError).code, 'RVB_WORKER_LOST');
  }
});

test('whatever rows kill and whichever is suspected, every other row is ok exactly once', async () => {
  const runs = cases(1_000, 50_000);
  const property = fc.asyncProperty(
    fc.integer({ min: 1, max: 40 }),
    fc.uniqueArray(fc.nat(39), { maxLength: 4 }),
    fc.boolean(),
    async (rowCount, poisons, known) => {
      const { rows } = await settle(rowCount, (task) => {
        const suspect = task.columns['n']!.findIndex((n) => poisons.includes(n as number));
        if (suspect === -1) return done(task);
        return known ? death(suspect) : death();
      });
      assert.equal(
        rows,
        Array.from({ length: rowCount }, (_, n) =>
          poisons.includes(n) ? 'RVB_POISON_ROW' : String(n),
        ),
      );
    },
  );
  await fc.assert(property, { seed, numRuns: runs });
  reportCases(runs, 'death scripts');
});

test.run();
