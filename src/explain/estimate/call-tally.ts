/** Counts the calls of foreseen runs, by cell. */

import { hash } from 'node:crypto';
import type { CallPlace } from '../../journal/experience/experience.ts';
import type { ChatRequest } from '../../model/chat.ts';
import type { BatchRows } from '../../plan/plan.ts';
import { tokensOf } from '../../run/call-model.ts';
import { itemBatch } from '../../run/item-batch.ts';
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

/** Questions that share calls. They are in `calls` of their chance, each as if it had a call of its own. */
export interface SharedCount {
  questions: number;
  calls: number;
  /** The input tokens of the shared calls. */
  tokensIn: number;
  /** The requests of calls that are not full yet, by what they have in common. */
  readonly gathering: Map<string, ChatRequest[]>;
}

/** The calls of one cell to one model. */
export interface CellTally extends CallPlace, Readonly<Record<CallChance, CallCount>> {
  /** The largest cap on an answer's tokens; undefined if some call has no cap. */
  outputCap: number | undefined;
  /** True if some call is made for each row of a query that is not run: nothing bounds their number. */
  isUnbounded: boolean;
  /** Present with BATCH. */
  readonly shared?: SharedCount;
}

/** The questions that a call is expected to have with `batch = 'auto'`. */
const AUTO_EXPECTED = 16;

export class CallTally {
  readonly cells = new Map<string, CellTally>();
  readonly #cascade: string;
  /** The keys of the calls that will be made; undefined if equal calls are each made. */
  readonly #made: Set<string> | undefined;
  readonly #rows: number | undefined;

  /** `made` is shared by the tallies of one statement. `batch`: how many questions may share a call. */
  constructor(cascade: string, made: Set<string> | undefined, batch?: BatchRows) {
    this.#cascade = cascade;
    this.#made = made;
    this.#rows = batch === 'auto' ? AUTO_EXPECTED : batch;
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
    if (tally.shared !== undefined) this.#share(tally.shared, call, rows);
    if (callKey === undefined) count.unknown += rows;
    else if (chance === 'sure') this.#made?.add(callKey);
  }

  /** A question whose prompt is not known is expected to be like those whose prompt is known. */
  #share(
    shared: SharedCount,
    { sharing, inputTokens, callKey = '' }: ForeseenCall,
    rows: number,
  ): void {
    if (sharing === undefined) {
      shared.questions += rows;
      shared.calls += callKey === '' ? rows / this.#rows! : rows;
      shared.tokensIn += rows * inputTokens;
      return;
    }
    const requests = shared.gathering.get(sharing.key) ?? [];
    shared.gathering.set(sharing.key, requests);
    requests.push(sharing.request);
    if (requests.length === this.#rows) flush(shared, sharing.key);
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
      ...(this.#rows === undefined
        ? {}
        : { shared: { questions: 0, calls: 0, tokensIn: 0, gathering: new Map() } }),
    };
    this.cells.set(key, tally);
    return tally;
  }
}

/** Returns the count with the calls that are not full. */
export function finishShared(shared: SharedCount): SharedCount {
  for (const key of [...shared.gathering.keys()]) flush(shared, key);
  return shared;
}

function flush(shared: SharedCount, key: string): void {
  const requests = shared.gathering.get(key)!;
  shared.gathering.delete(key);
  const keys = requests.map((_, index) => hash('sha256', `${index}`, 'hex').slice(0, 32));
  const request = requests.length === 1 ? requests[0]! : itemBatch(requests, keys).request;
  shared.questions += requests.length;
  shared.calls += 1;
  shared.tokensIn += tokensOf(request).inputTokens;
}
