/**
 * Runs one statement on a virtual clock: with the engine's own lanes, cursor, window and limiter, and with calls that
 * only take time.
 */
import { Gate } from '../../src/calls/gate/gate.ts';
import type { Chunk, Piece, RunInputs } from '../../src/execute/chunk.ts';
import { ChunkPolicy } from '../../src/execute/chunk-policy.ts';
import { runLanes } from '../../src/execute/lanes.ts';
import { Reassembler } from '../../src/execute/reassembler.ts';
import { chunkRunsOf, lanesOf, runSource } from '../../src/execute/run-source.ts';
import { Window } from '../../src/execute/window.ts';
import type { CallLimits } from '../../src/model/call-limits.ts';
import type { Strategy } from '../../src/result.ts';
import { VirtualClock } from './virtual-clock.ts';

export interface Simulation {
  readonly strategy: Strategy;
  readonly parallel: number;
  /** The time of each row, in ms. */
  readonly delays: readonly number[];
  /** True: each row makes a model call, and waits for the limiter. False: the rows only compute. */
  readonly asks: boolean;
  readonly limits?: CallLimits;
  /** The time in ms that each lane sleeps before a chunk. It simulates a slower scheduler, to test that the figures show it. */
  readonly laneSleepMs?: number;
}

export interface Outcome {
  readonly ms: number;
  /** The most rows that were in progress at once. */
  readonly atOnce: number;
  /** The time at which the first row was ready for the caller. */
  readonly firstRowMs: number;
}

export async function simulate(simulation: Simulation): Promise<Outcome> {
  const { strategy, delays, asks } = simulation;
  const clock = new VirtualClock();
  const inputs: RunInputs = {
    runCount: delays.length,
    read: async (first, count) => ({
      columns: { id: Array.from({ length: count }, (_, index) => first + index) },
    }),
    rowsOf: async (run) => [run],
  };
  const parallel = Math.min(lanesOf(strategy, simulation.parallel), delays.length);
  const window = new Window(parallel);
  const policy = new ChunkPolicy(parallel, { maxRuns: chunkRunsOf(strategy), waits: asks });
  const source = runSource(strategy, { inputs, policy, window, parallel });
  const limits = simulation.limits ?? {};
  const gate = new Gate({
    limitsOf: () => limits,
    clock: () => clock.nowMs,
    setTimer: (act, ms) => clock.setTimer(act, ms),
    random: () => 0.5,
  });
  const reassembler = new Reassembler(delays.length);
  let open = 0;
  let atOnce = 0;
  let firstRowMs = 0;
  const row = async (ordinal: number): Promise<void> => {
    const permit = asks ? await gate.acquire(REQUEST) : undefined;
    open += 1;
    atOnce = Math.max(atOnce, open);
    await clock.sleep(delays[ordinal]!);
    open -= 1;
    permit?.settle({ status: 200 });
  };
  const settle = async ({ firstOrdinal, rowCount }: Chunk): Promise<void> => {
    if (simulation.laneSleepMs !== undefined) await clock.sleep(simulation.laneSleepMs);
    const startMs = clock.nowMs;
    for (let index = 0; index < rowCount; index += 1) await row(firstOrdinal + index);
    policy.observe(rowCount, clock.nowMs - startMs);
    const ready = reassembler.accept(pieceOf(firstOrdinal, rowCount));
    for (const { values, firstOrdinal: first } of ready) {
      if (first === 0) firstRowMs = clock.nowMs;
      window.release(values.length);
    }
  };
  await clock.run(
    runLanes({
      parallel,
      next: (lane) => source.take(lane),
      settle,
      stop: () => window.close(),
    }),
  );
  if (reassembler.next !== delays.length)
    throw new Error(`only ${reassembler.next} rows came back`);
  gate.close();
  return { ms: clock.nowMs, atOnce, firstRowMs };
}

const REQUEST = {
  provider: 'p',
  model: 'm',
  statementId: 1,
  inputTokens: 10,
  outputTokens: 10,
  signal: new AbortController().signal,
};

function pieceOf(firstOrdinal: number, rowCount: number): Piece {
  return {
    firstOrdinal,
    values: Array.from({ length: rowCount }, () => null),
    failures: [],
    skipped: [],
  };
}
