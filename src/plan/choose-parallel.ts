/** How many runs at a time, where `strategy = 'auto'` is written and PARALLEL is not. */
import { MAX_PARALLEL } from '../limits.ts';
import type { CallLimits } from '../model/call-limits.ts';

/** Calls at a time of a provider that tells no limits, and the fewest of one that tells a rate. */
const UNTOLD_PARALLEL = 10;
/** Lanes for each that a rate keeps busy: with uneven calls some are idle, and a window's first calls may all go at once. */
const SPARE_LANES = 3;

export interface ParallelGrounds {
  /** Some cell asks a model. */
  readonly asks: boolean;
  /** Worker threads. */
  readonly threads: number;
  /** Limits of the providers that are asked, and of the statement. */
  readonly limits: readonly CallLimits[];
  /** Mean time of a call. */
  readonly callMs: number;
  /** That time is an assumption: no call has been made yet. */
  readonly isAssumed: boolean;
}

export interface ChosenParallel {
  readonly parallel: number;
  /** For EXPLAIN: why so many. */
  readonly why: string;
  /** What would have been taken otherwise. */
  readonly runnerUp: number;
}

/**
 * One run a thread where runs compute. Where they wait for a model: three times what its rate keeps busy, at least
 * ten, and no more than may be in flight.
 */
export function chooseParallel(grounds: ParallelGrounds): ChosenParallel {
  const { asks, threads, limits, callMs, isAssumed } = grounds;
  if (!asks) {
    return {
      parallel: threads,
      why: `no cell asks a model, and there are ${threads} threads`,
      runnerUp: 1,
    };
  }
  const inFlight = least(limits.map((one) => one.inFlight));
  const rpm = least(limits.map((one) => one.rpm));
  const most = Math.min(inFlight ?? MAX_PARALLEL, MAX_PARALLEL);
  if (rpm === undefined) {
    if (inFlight === undefined) {
      return { parallel: UNTOLD_PARALLEL, why: 'the provider tells no limits', runnerUp: 1 };
    }
    const why = `the provider takes ${inFlight} calls at a time`;
    return { parallel: most, why, runnerUp: Math.ceil(most / 2) };
  }
  const busy = Math.max(1, Math.ceil((rpm * callMs) / 60_000));
  const parallel = Math.min(most, Math.max(UNTOLD_PARALLEL, SPARE_LANES * busy));
  const each = `${rpm} calls a minute of ${Math.round(callMs)} ms each`;
  const assumed = isAssumed ? ' (assumed, since none has been made)' : '';
  const bound = parallel === most ? `, and ${most} may be in flight` : '';
  const why = `${each}${assumed} keep ${busy} busy${bound}`;
  return { parallel, why, runnerUp: Math.min(most, Math.max(1, busy)) };
}

function least(numbers: readonly (number | undefined)[]): number | undefined {
  const given = numbers.filter((number) => number !== undefined);
  return given.length === 0 ? undefined : Math.min(...given);
}
