/** A chunk whose answer never comes, although its worker lives and its event loop turns. */
import { setEnvironmentData } from 'node:worker_threads';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadCascade } from '../../src/cascade/load-cascade.ts';
import type { Chunk, Piece } from '../../src/execute/chunk.ts';
import { LocalDispatcher } from '../../src/execute/local-dispatcher.ts';
import { ChunkRunner } from '../../src/execute/run-chunk.ts';
import { silentHost } from './silent-host.ts';
import { cascades } from './support.ts';

interface Settled {
  /** Values, or codes of failures. */
  readonly rows: (string | null)[];
  /** The runs that were named as stalled. */
  readonly stalled: readonly number[];
}

/** Settles a chunk on workers that lose so many answers; for `waitMs` calls of its statement wait for leave. */
async function settle(answersToLose: number, rowCount: number, waitMs = 0): Promise<Settled> {
  const cascade = await loadCascade(cascades, 'quick.yaml');
  const left = new Int32Array(new SharedArrayBuffer(4));
  left[0] = answersToLose;
  setEnvironmentData('answers-to-lose', left.buffer);
  const dispatcher = new LocalDispatcher({
    threads: 1,
    workerHeapMb: 256,
    rssMb: undefined,
    entry: new URL('../../../test/fixtures/workers/loses-answers.mjs', import.meta.url),
  });
  const rows: (string | null)[] = [];
  const stalled: number[] = [];
  const statementId = 77;
  const startedMs = performance.now();
  dispatcher.openStatement({
    ...silentHost(statementId, cascade),
    waitsForPermit: () => performance.now() - startedMs < waitMs,
  });
  const rest: Chunk[] = [];
  const runner = new ChunkRunner({
    dispatcher,
    waitsForRuns: false,
    statementId,
    cascadeHash: cascade.hash,
    settings: { kind: 'map', timeoutMs: 200, keepOutputs: false },
    observe: () => {},
    lost: (reason) => assert.unreachable(`no worker is lost: ${reason}`),
    stalled: (run) => stalled.push(run),
    giveBack: (chunk) => rest.push(chunk),
    later: () => {},
    attemptsEnded: () => {},
    answersUsed: () => {},
    accept: async ({ firstOrdinal, values, failures }: Piece) => {
      for (const [index, value] of values.entries()) {
        assert.is(rows[firstOrdinal + index], undefined, 'a row settled twice');
        rows[firstOrdinal + index] = failures.find((f) => f.index === index)?.code ?? value;
      }
    },
  });
  const names = Array.from({ length: rowCount }, (_, n) => n);
  try {
    await runner.run({
      firstOrdinal: 0,
      rowCount,
      columns: { n: names, hit: names.map(() => false), folder: names.map(() => '') },
    });
    for (const chunk of rest) await runner.run(chunk);
    return { rows, stalled };
  } finally {
    await dispatcher.close();
    setEnvironmentData('answers-to-lose', undefined);
  }
}

test('a chunk whose answer is lost is named and runs again, on the worker that is well', async () => {
  assert.equal(await settle(1, 3), { rows: ['v0', 'v1', 'v2'], stalled: [0] });
});

test('rows of a chunk whose answer is lost twice run one by one, and the one that stays lost fails', async () => {
  const { rows, stalled } = await settle(3, 2);
  assert.equal(rows, ['RVB_TIMEOUT', 'v1']);
  assert.equal(stalled, [0, 0, 0]);
});

test('a chunk whose calls wait for leave has all the time that this takes', async () => {
  const startedMs = performance.now();
  assert.equal(await settle(1, 1, 4_500), { rows: ['v0'], stalled: [0] });
  assert.ok(performance.now() - startedMs > 6_000, `${performance.now() - startedMs} ms`);
});

test.run();
