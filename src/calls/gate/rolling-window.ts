/**
 * Counts requests and tokens that a provider received within the last `windowMs`. The count is exact. An average would
 * let twice as much through where two windows meet.
 *
 * A provider counts a call when the call arrives, which is later than its start by an unknown delay. So two calls
 * that start one window apart may arrive closer together. A call is therefore counted from a time at which it has
 * arrived: from its end, or, if it has not ended by then, from its start plus a margin. The margin is 2 % of the
 * window. It is longer for the first calls, for calls that open a connection, and while this process is late. The
 * limits hold as long as every call arrives within its margin. The cost is at most the margin's share of the rate.
 */

import { Chain, Link } from './chain.ts';

/** A call that has not ended counts as arrived after this share of the window: after 20 ms for a window of 1 s. */
const ARRIVAL_MARGIN = 0.02;
/** Before the first answer, a call counts as arrived after this, or after a window if a window is shorter. */
const COLD_ARRIVAL_MS = 2_000;
/** A later call on a new connection counts as arrived after this share of the window, or COLD_ARRIVAL_MS if shorter. */
const COLD_ARRIVAL_PART = 0.1;
/** Calls that arrive within this share of a window are kept as one entry, so a window has at most about 2,000. */
const WINDOW_GRAIN = 1 / 2_000;

/**
 * How a call reaches its provider, which decides its margin. `first` calls after a cold start load code and resolve
 * names. `cold` calls open a connection. `warm` calls have an open connection.
 */
export type Way = 'first' | 'cold' | 'warm';

/** The tokens that a call takes of a window. Each call also takes one request. */
export interface Tokens {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** Requests and tokens per window: a limit, or a sum. */
export interface WindowLimits extends Tokens {
  readonly requests: number;
}

/** Calls that arrived at about the same time. They leave the window together, a window after the last of them. */
class Arrivals extends Link<Arrivals> {
  readonly firstMs: number;
  lastMs: number;
  requests = 0;
  inputTokens = 0;
  outputTokens = 0;
  isOver = false;

  constructor(atMs: number) {
    super();
    this.firstMs = atMs;
    this.lastMs = atMs;
  }
}

/** One call in a window. */
export class Stay extends Link<Stay> {
  inputTokens: number;
  outputTokens: number;
  readonly way: Way;
  /** The time from which the call counts as arrived, even if it has not ended. */
  readonly dueMs: number;
  /** The sums of the window, including this call, when the call went out. */
  readonly requestsThen: number;
  readonly inputTokensThen: number;
  arrivals: Arrivals | undefined;

  /** `sum` must include the call. */
  constructor(tokens: Tokens, way: Way, dueMs: number, sum: WindowLimits) {
    super();
    this.inputTokens = tokens.inputTokens;
    this.outputTokens = tokens.outputTokens;
    this.way = way;
    this.dueMs = dueMs;
    this.requestsThen = sum.requests;
    this.inputTokensThen = sum.inputTokens;
  }
}

/** The window of one provider, model or statement. */
export class RollingWindow {
  readonly windowMs: number;
  readonly #limits: WindowLimits;
  readonly #marginMs: Readonly<Record<Way, number>>;
  readonly #grainMs: number;
  readonly #sum = { requests: 0, inputTokens: 0, outputTokens: 0 };
  /** Calls that do not yet count as arrived, in the order of their start. */
  readonly #under = { first: new Chain<Stay>(), cold: new Chain<Stay>(), warm: new Chain<Stay>() };
  readonly #arrived = new Chain<Arrivals>();
  /** The request limit that the provider's headers state. */
  #saidRequests = Number.POSITIVE_INFINITY;

  constructor(limits: WindowLimits, windowMs: number) {
    this.windowMs = windowMs;
    this.#limits = limits;
    const cold = Math.min(COLD_ARRIVAL_MS, windowMs * COLD_ARRIVAL_PART);
    const warm = windowMs * ARRIVAL_MARGIN;
    this.#marginMs = {
      first: Math.max(warm, Math.min(COLD_ARRIVAL_MS, windowMs)),
      cold: Math.max(warm, cold),
      warm,
    };
    this.#grainMs = windowMs * WINDOW_GRAIN;
  }

  /** The requests and tokens in the window when it was last updated. */
  get sum(): WindowLimits {
    return this.#sum;
  }

  /** Sets the request limit that the provider states. The lower limit holds. */
  tighten(requests: number): void {
    this.#saidRequests = Math.max(1, requests);
  }

  /** True if one more call with these tokens fits now. */
  fits(nowMs: number, tokens: Tokens): boolean {
    return isRoom(this.#roomAfter(nowMs, tokens));
  }

  /** Returns the earliest time at which one more call with these tokens may fit; `nowMs` if it fits now. */
  freeAt(nowMs: number, tokens: Tokens): number {
    const room = this.#roomAfter(nowMs, tokens);
    if (isRoom(room)) return nowMs;
    for (let at = this.#arrived.head; at !== undefined; at = at.after) {
      add(room, at);
      if (isRoom(room)) return at.lastMs + this.windowMs;
    }
    // Calls on their way must first arrive, now at the earliest, and then leave the window.
    return nowMs + this.windowMs;
  }

  /** Adds a call that goes out now. `lagMs`: how late this process's timers are. */
  enter(nowMs: number, tokens: Tokens, way: Way, lagMs: number): Stay {
    this.#sum.requests += 1;
    this.#sum.inputTokens += tokens.inputTokens;
    this.#sum.outputTokens += tokens.outputTokens;
    // The lag is bounded: after a machine has slept, a timer is hours late, but only once.
    const marginMs = this.#marginMs[way] + Math.min(lagMs, this.#marginMs.cold);
    const stay = new Stay(tokens, way, nowMs + marginMs, this.#sum);
    this.#under[way].push(stay);
    return stay;
  }

  /** The provider has answered the call, so the call has arrived. */
  answered(stay: Stay, nowMs: number): void {
    this.#advance(nowMs);
    if (stay.arrivals === undefined) this.#arrive(stay, nowMs);
  }

  /** Replaces a call's estimated tokens by the tokens that it used. */
  correct(stay: Stay, { inputTokens, outputTokens }: Tokens): void {
    this.#change(stay, inputTokens - stay.inputTokens, outputTokens - stay.outputTokens);
    stay.inputTokens = inputTokens;
    stay.outputTokens = outputTokens;
  }

  /** Removes a call that never went out. */
  remove(stay: Stay): void {
    const { arrivals } = stay;
    if (arrivals?.isOver === true) return;
    this.#change(stay, -stay.inputTokens, -stay.outputTokens);
    this.#sum.requests -= 1;
    if (arrivals === undefined) this.#under[stay.way].remove(stay);
    else arrivals.requests -= 1;
  }

  isEmpty(nowMs: number): boolean {
    this.#advance(nowMs);
    const { first, cold, warm } = this.#under;
    return (first.head ?? cold.head ?? warm.head ?? this.#arrived.head) === undefined;
  }

  /** Returns the room that one more call with these tokens would leave; negative where it does not fit. */
  #roomAfter(nowMs: number, tokens: Tokens): Amounts {
    this.#advance(nowMs);
    const limits = this.#limits;
    const sum = this.#sum;
    return {
      requests: Math.min(limits.requests, this.#saidRequests) - sum.requests - 1,
      inputTokens: limits.inputTokens - sum.inputTokens - tokens.inputTokens,
      outputTokens: limits.outputTokens - sum.outputTokens - tokens.outputTokens,
    };
  }

  #change({ arrivals }: Stay, inputTokens: number, outputTokens: number): void {
    if (arrivals?.isOver === true) return;
    this.#sum.inputTokens += inputTokens;
    this.#sum.outputTokens += outputTokens;
    if (arrivals === undefined) return;
    arrivals.inputTokens += inputTokens;
    arrivals.outputTokens += outputTokens;
  }

  /** Moves calls that are due to the arrived calls, in order, and drops calls that arrived a window ago. */
  #advance(nowMs: number): void {
    const { first, cold, warm } = this.#under;
    for (;;) {
      const next = earlier(earlier(first.head, cold.head), warm.head);
      if (next === undefined || next.dueMs > nowMs) break;
      this.#arrive(next, next.dueMs);
    }
    for (let at = this.#arrived.head; at !== undefined; at = this.#arrived.head) {
      if (at.lastMs + this.windowMs > nowMs) break;
      at.isOver = true;
      this.#arrived.remove(at);
      this.#sum.requests -= at.requests;
      this.#sum.inputTokens -= at.inputTokens;
      this.#sum.outputTokens -= at.outputTokens;
    }
  }

  #arrive(stay: Stay, atMs: number): void {
    this.#under[stay.way].remove(stay);
    let arrivals = this.#arrived.tail;
    if (arrivals === undefined || atMs - arrivals.firstMs > this.#grainMs) {
      arrivals = new Arrivals(atMs);
      this.#arrived.push(arrivals);
    }
    arrivals.lastMs = Math.max(arrivals.lastMs, atMs);
    arrivals.requests += 1;
    arrivals.inputTokens += stay.inputTokens;
    arrivals.outputTokens += stay.outputTokens;
    stay.arrivals = arrivals;
  }
}

interface Amounts {
  requests: number;
  inputTokens: number;
  outputTokens: number;
}

function isRoom({ requests, inputTokens, outputTokens }: Amounts): boolean {
  return requests >= 0 && inputTokens >= 0 && outputTokens >= 0;
}

function add(room: Amounts, { requests, inputTokens, outputTokens }: Amounts): void {
  room.requests += requests;
  room.inputTokens += inputTokens;
  room.outputTokens += outputTokens;
}

function earlier(one: Stay | undefined, other: Stay | undefined): Stay | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return one.dueMs <= other.dueMs ? one : other;
}
