/** The gate of one model: its own limits, limits learned from refusals, and limits from response headers. */
import { RATE_WINDOW_MS, RETRY_AFTER_MAX_MS } from '../../limits.ts';
import type { CallLimits } from '../../model/call-limits.ts';
import type { RateLimitState, RateLimits } from '../../model/chat.ts';
import type { CallResult, GateRequest } from './gate-request.ts';
import { Meter } from './meter.ts';
import type { Stay } from './rolling-window.ts';
import { type Random, Throttle } from './throttle.ts';

/** Rate-limit headers describe the moment when the call arrived, which is at most this long after the call's start. */
const HEADERS_AFTER_MS = 250;

/** A call's entry in a model's gate. */
export interface ModelStay {
  readonly stay: Stay | undefined;
  readonly startMs: number;
  /** By how many milliseconds the call delays the next call, at the learned rate. */
  readonly paceMs: number;
  /** The numbers of the model's requests and tokens up to and including this call. */
  readonly requests: number;
  readonly tokens: number;
}

/** Counts the calls to one model and says when the next one may go out. */
export class ModelGate {
  readonly #meter: Meter;
  readonly #throttle: Throttle;
  readonly #requests = new HeaderAllowance();
  readonly #tokens = new HeaderAllowance();

  /** `provider` are the limits of the whole provider, `limits` those of this model. */
  constructor(provider: CallLimits, limits: CallLimits, random: Random) {
    this.#meter = new Meter(countedLimits(provider, limits));
    this.#throttle = new Throttle(random);
  }

  refusal(request: GateRequest): string | undefined {
    return this.#meter.refusal(request);
  }

  /** Returns for how many milliseconds refusals still hold all calls. */
  heldMs(nowMs: number): number {
    return this.#throttle.heldMs(nowMs);
  }

  freeAt(nowMs: number, request: GateRequest): number {
    return Math.max(
      this.#meter.freeAt(nowMs, request),
      this.#throttle.freeAt(nowMs, this.#meter.inFlight),
      this.#requests.freeAt(nowMs, 1),
      this.#tokens.freeAt(nowMs, request.inputTokens),
    );
  }

  /** True if the call may go out now. */
  isFree(nowMs: number, request: GateRequest): boolean {
    return (
      this.#meter.isFree(nowMs, request) &&
      this.#throttle.freeAt(nowMs, this.#meter.inFlight) <= nowMs &&
      this.#requests.roomAt(nowMs) >= 1 &&
      this.#tokens.roomAt(nowMs) >= request.inputTokens
    );
  }

  enter(nowMs: number, request: GateRequest, lagMs: number): ModelStay {
    return {
      stay: this.#meter.enter(nowMs, request, lagMs),
      startMs: nowMs,
      paceMs: this.#throttle.enter(nowMs),
      requests: this.#requests.enter(1),
      tokens: this.#tokens.enter(request.inputTokens),
    };
  }

  leave(nowMs: number, model: ModelStay, result: CallResult): void {
    const { status, retryAfterMs, rateLimits } = result;
    const isRefused =
      status === 429 || ((status === 503 || status === 529) && retryAfterMs !== undefined);
    if (isRefused) {
      this.#throttle.refused(nowMs, model.startMs, this.#meter.inFlight, retryAfterMs);
    } else if (status !== undefined) this.#throttle.answered(model.startMs);
    if (rateLimits !== undefined) this.#read(nowMs, model, rateLimits);
    this.#meter.leave(nowMs, model.stay, result);
  }

  /** The call never went out. */
  undo(model: ModelStay, inputTokens: number): void {
    this.#throttle.undo(model.paceMs);
    this.#requests.undo(model.requests, 1);
    this.#tokens.undo(model.tokens, inputTokens);
    this.#meter.undo(model.stay);
  }

  /** Reads a response's rate limits, which describe the moment when its call arrived. */
  #read(nowMs: number, model: ModelStay, { requests, tokens }: RateLimits): void {
    const asOfMs = Math.min(nowMs, model.startMs + HEADERS_AFTER_MS);
    if (requests !== undefined && !this.#meter.explains(model.stay, 'requests', requests)) {
      this.#requests.read(asOfMs, model.requests, requests);
    }
    if (tokens !== undefined && !this.#meter.explains(model.stay, 'inputTokens', tokens)) {
      this.#tokens.read(asOfMs, model.tokens, tokens);
    }
    if (requests?.limit !== undefined) this.#meter.tighten(requests.limit);
  }

  isIdle(nowMs: number): boolean {
    return (
      this.#meter.isIdle(nowMs) &&
      this.#throttle.isIdle(nowMs) &&
      this.#requests.isIdle(nowMs) &&
      this.#tokens.isIdle(nowMs)
    );
  }
}

/**
 * Returns the limits to count for a model: its own and its provider's, which also hold for the model. Headers mostly
 * describe a single model, so they are compared with the model's count.
 */
function countedLimits(provider: CallLimits, own: CallLimits): CallLimits {
  const { rpm, inputTpm, windowMs = RATE_WINDOW_MS } = provider;
  const hasRates = (own.rpm ?? own.inputTpm ?? own.outputTpm) !== undefined;
  if (hasRates && (own.windowMs ?? RATE_WINDOW_MS) !== windowMs) return own;
  return {
    ...(rpm === undefined ? {} : { rpm }),
    ...(inputTpm === undefined ? {} : { inputTpm }),
    ...own,
    windowMs,
  };
}

/**
 * Tracks how many requests, or tokens, the response headers still allow, as a count over all calls so far. `remaining`
 * in a response describes the moment of its call. Later calls have used some of it since. So the response determines
 * the count up to which calls may go out before the limit is reset.
 */
class HeaderAllowance {
  #used = 0;
  /** The count after the latest call whose headers were read. */
  #readUpTo = 0;
  #allowed = Infinity;
  #resetMs = -Infinity;

  /** Returns the amount that is still allowed. */
  roomAt(nowMs: number): number {
    return nowMs >= this.#resetMs ? Infinity : this.#allowed - this.#used;
  }

  /** Returns when `amount` more is allowed. */
  freeAt(nowMs: number, amount: number): number {
    return this.roomAt(nowMs) >= amount ? nowMs : this.#resetMs;
  }

  /** Counts a call. Returns the count after it, which `read` and `undo` need. */
  enter(amount: number): number {
    this.#used += amount;
    return this.#used;
  }

  /** The call with this count never went out. */
  undo(countAfter: number, amount: number): void {
    if (countAfter > this.#readUpTo) this.#allowed += amount;
  }

  /** Reads the headers of the response to the call with this count. Headers of earlier calls are outdated. */
  read(nowMs: number, countAfter: number, state: RateLimitState | undefined): void {
    if (state?.remaining === undefined || state.resetMs === undefined) return;
    if (countAfter < this.#readUpTo) return;
    this.#readUpTo = countAfter;
    this.#allowed = countAfter + Math.max(0, state.remaining);
    this.#resetMs = nowMs + Math.min(state.resetMs, RETRY_AFTER_MAX_MS);
  }

  isIdle(nowMs: number): boolean {
    return nowMs >= this.#resetMs;
  }
}
