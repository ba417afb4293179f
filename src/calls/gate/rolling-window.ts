/**
 * Amounts of the calls that a provider saw within the last `windowMs`: exact, not an average that lets
 * twice as much through where two windows meet.
 *
 * A provider counts a call when it arrives, later than it was let go by a delay that nobody knows. Two
 * calls let go one window apart may so arrive closer than that. A call is therefore counted from when it
 * is known to have arrived, which is its end; or, where it is not over by then, from a margin after its
 * start: 2 % of the window, more for the first calls and for one that opens its connection, and more while
 * this process itself is late. The amounts hold as long as no call is under way for longer than the margin,
 * at a cost of at most that part of the rate.
 */

import { Chain, Link } from './chain.ts';

/** A call that has not ended counts as arrived at its provider after this part of the window: 20 ms of a second. */
const ARRIVAL_MARGIN = 0.02;
/** Before any call has been answered, a call counts as arrived after this, or after a window where that is shorter. */
const COLD_ARRIVAL_MS = 2_000;
/** A later call that opens its connection counts as arrived after the same, or after this part of the window. */
const COLD_ARRIVAL_PART = 0.1;
/** Calls that arrive within this part of a window are kept as one, so that a window is at most 2,000 of them. */
const WINDOW_GRAIN = 1 / 2_000;

/**
 * How long the way of a call may be: the `first` ones since a cold start load code and look up names, `cold`
 * ones open their connection, `warm` ones find it open.
 */
export type Way = 'first' | 'cold' | 'warm';

/** What a call takes of a window besides one request. */
export interface Tokens {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** What a window holds at most. */
export interface WindowLimits extends Tokens {
  readonly requests: number;
}

/** Calls that arrived at about the same time; they leave with the last of them. */
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
  /** When it has arrived at the latest. */
  readonly dueMs: number;
  /** What the window held with it when it went out. */
  readonly requestsThen: number;
  readonly inputTokensThen: number;
  arrivals: Arrivals | undefined;

  /** `sum`: with the call. */
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

export class RollingWindow {
  readonly windowMs: number;
  readonly #limits: WindowLimits;
  readonly #marginMs: Readonly<Record<Way, number>>;
  readonly #grainMs: number;
  readonly #sum = { requests: 0, inputTokens: 0, outputTokens: 0 };
  /** On their way, in the order of their start. */
  readonly #under = { first: new Chain<Stay>(), cold: new Chain<Stay>(), warm: new Chain<Stay>() };
  readonly #arrived = new Chain<Arrivals>();
  /** Requests that the provider itself says it allows. */
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

  /** What the window held when it was last looked at. */
  get sum(): WindowLimits {
    return this.#sum;
  }

  /** The provider's own limit holds where it is the lower one. */
  tighten(requests: number): void {
    this.#saidRequests = Math.max(1, requests);
  }

  /** Whether one more call with these tokens fits now. */
  fits(nowMs: number, tokens: Tokens): boolean {
    return isRoom(this.#roomAfter(nowMs, tokens));
  }

  /** When one more call with these tokens fits, at the earliest; `nowMs` where it does now. */
  freeAt(nowMs: number, tokens: Tokens): number {
    const room = this.#roomAfter(nowMs, tokens);
    if (isRoom(room)) return nowMs;
    for (let at = this.#arrived.head; at !== undefined; at = at.after) {
      add(room, at);
      if (isRoom(room)) return at.lastMs + this.windowMs;
    }
    // What is on its way arrives now at the earliest.
    return nowMs + this.windowMs;
  }

  /** Takes in a call that goes out now. */
  enter(nowMs: number, tokens: Tokens, way: Way, lagMs: number): Stay {
    this.#sum.requests += 1;
    this.#sum.inputTokens += tokens.inputTokens;
    this.#sum.outputTokens += tokens.outputTokens;
    // A machine that slept is late by hours, and on time again.
    const marginMs = this.#marginMs[way] + Math.min(lagMs, this.#marginMs.cold);
    const stay = new Stay(tokens, way, nowMs + marginMs, this.#sum);
    this.#under[way].push(stay);
    return stay;
  }

  /** The provider has answered a call, so it has arrived. */
  answered(stay: Stay, nowMs: number): void {
    this.#advance(nowMs);
    if (stay.arrivals === undefined) this.#arrive(stay, nowMs);
  }

  /** Puts what a call really took in the place of its estimates. */
  correct(stay: Stay, { inputTokens, outputTokens }: Tokens): void {
    this.#change(stay, inputTokens - stay.inputTokens, outputTokens - stay.outputTokens);
    stay.inputTokens = inputTokens;
    stay.outputTokens = outputTokens;
  }

  /** Takes a call out as if it had never been. */
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

  /** What the window would still hold beside one more call with these tokens. */
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

  /** Moves what is due to the arrived, in order, and forgets what arrived a window ago. */
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
