/** Counts the calls of foreseen runs, by cell. */

import type { CallPlace } from '../../journal/experience/experience.ts';
import type { CallChance, ForeseenCall, ForeseenRun } from '../foresee/foreseen.ts';

/** The calls with the same chance. */
export interface CallCount {
  calls: number;
  /** Calls with a known prompt whose answer is stored or comes from an equal call. They are not in `calls`. */
  cached: number;
  /** The part of `calls` whose prompt depends on an unknown answer, so that their own answers may be stored. */
  unknown: number;
  /** The input tokens of `calls`. */
  tokensIn: number;
}

/** The calls of one cell to one model. */
export interface CellTally extends CallPlace, Readonly<Record<CallChance, CallCount>> {
  /** The largest cap on an answer's tokens; undefined if some call has no cap. */
  outputCap: number | undefined;
  /** True if some call is made for each row of a query that is not run: nothing bounds their number. */
  isUnbounded: boolean;
}

export class CallTally {
  readonly cells = new Map<string, CellTally>();
  readonly #cascade: string;
  /** The keys of the calls that will be made; undefined if equal calls are each made. */
  readonly #made: Set<string> | undefined;

  /** `made` is shared by the tallies of one statement. */
  constructor(cascade: string, made: Set<string> | undefined) {
    this.#cascade = cascade;
    this.#made = made;
  }

  add({ calls }: ForeseenRun): void {
    for (const call of calls) this.#add(call);
  }

  #add(call: ForeseenCall): void {
    const tally = this.#cellOf(call);
    const count = tally[call.chance];
    const { isStored, inputTokens, chance, rows = 1 } = call;
    // The query may give no row, so its call is not counted by key.
    const callKey = call.rows === undefined ? call.callKey : undefined;
    if (call.rows !== undefined) tally.isUnbounded = true;
    if (isStored || (callKey !== undefined && this.#made?.has(callKey) === true)) {
      count.cached += 1;
      return;
    }
    count.calls += rows;
    count.tokensIn += rows * inputTokens;
    if (callKey === undefined) count.unknown += rows;
    else if (chance === 'sure') this.#made?.add(callKey);
  }

  #cellOf({ cell, provider, model, outputCap }: ForeseenCall): CellTally {
    const key = `${provider}\n${model}\n${cell}`;
    const known = this.cells.get(key);
    if (known !== undefined) {
      const cap = known.outputCap;
      known.outputCap =
        cap === undefined || outputCap === undefined ? undefined : Math.max(cap, outputCap);
      return known;
    }
    const tally: CellTally = {
      ...{ cascade: this.#cascade, cell, provider, model, outputCap, isUnbounded: false },
      sure: { calls: 0, cached: 0, unknown: 0, tokensIn: 0 },
      open: { calls: 0, cached: 0, unknown: 0, tokensIn: 0 },
      rare: { calls: 0, cached: 0, unknown: 0, tokensIn: 0 },
    };
    this.cells.set(key, tally);
    return tally;
  }
}
