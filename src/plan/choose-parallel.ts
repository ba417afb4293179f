/** Chooses how many runs go at a time, if the statement has `strategy = 'auto'` and no PARALLEL. */
import { MAX_PARALLEL } from '../limits.ts';
import type { CallLimits } from '../model/call-limits.ts';

/** The calls at a time for a provider without known limits, and the fewest for a provider with a rate. */
const UNTOLD_PARALLEL = 10;
/**
 * The lanes for each call that a rate keeps in flight: with uneven calls some lanes idle, and a window's first calls
 * may go all at once.
 */
const SPARE_LANES = 3;

export interface ParallelGrounds {
  /** True if some cell asks a model. */
  readonly asks: boolean;
  /** The number of worker threads. */
  readonly threads: number;
  /** The limits of the asked providers, and those of the statement. */
  readonly limits: readonly CallLimits[];
  /** The mean duration of a call. */
  readonly callMs: number;
  /** True if `callMs` is an assumption, because no call has been made yet. */
  readonly isAssumed: boolean;
}

export interface ChosenParallel {
  readonly parallel: number;
  /** The reason for the number, for EXPLAIN. */
  readonly why: string;
  /** The next best number. */
  readonly runnerUp: number;
}

/**
 * Returns one run per thread for runs that only compute. For runs that wait for a model with a rate, returns three
 * times the calls that the rate keeps in flight, at least ten, and no more than may be in flight.
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
