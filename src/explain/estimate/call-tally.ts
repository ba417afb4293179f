/** Counts what foreseen runs would ask, by cell. */

import type { CallPlace } from '../../journal/experience/experience.ts';
import type { CallChance, ForeseenCall, ForeseenRun } from '../foresee/foreseen.ts';

/** Calls of one chance. */
export interface CallCount {
  calls: number;
  /** Prompts that are known, and whose answer is at hand or comes of an equal call. */
  cached: number;
  /** Of `calls`: those whose prompt depends on an answer, so that theirs may be at hand. */
  unknown: number;
  /** Tokens in of `calls`. */
  tokensIn: number;
}

/** The calls of one cell to one model. */
export interface CellTally extends CallPlace, Readonly<Record<CallChance, CallCount>> {
  /** The largest cap on an answer's tokens; undefined where some call has none. */
  outputCap: number | undefined;
}

export class CallTally {
  readonly cells = new Map<string, CellTally>();
  readonly #cascade: string;
  /** Keys of calls that will be made, where equal ones are made once. */
  readonly #made: Set<string> | undefined;

  /** `made` is shared by tallies of one statement; undefined where equal calls are each made. */
  constructor(cascade: string, made: Set<string> | undefined) {
    this.#cascade = cascade;
    this.#made = made;
  }

  add({ calls }: ForeseenRun): void {
    for (const call of calls) this.#add(call);
  }

  #add(call: ForeseenCall): void {
    const count = this.#cellOf(call)[call.chance];
    const { callKey, isAtHand, inputTokens, chance } = call;
    if (isAtHand || (callKey !== undefined && this.#made?.has(callKey) === true)) {
      count.cached += 1;
      return;
    }
    count.calls += 1;
    count.tokensIn += inputTokens;
    if (callKey === undefined) count.unknown += 1;
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
      ...{ cascade: this.#cascade, cell, provider, model, outputCap },
      sure: { calls: 0, cached: 0, unknown: 0, tokensIn: 0 },
      open: { calls: 0, cached: 0, unknown: 0, tokensIn: 0 },
      rare: { calls: 0, cached: 0, unknown: 0, tokensIn: 0 },
    };
    this.cells.set(key, tally);
    return tally;
  }
}
