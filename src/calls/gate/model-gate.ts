/** One model of a provider: its own limits, what its refusals teach, and what its headers allow. */
import { RATE_WINDOW_MS, RETRY_AFTER_MAX_MS } from '../../limits.ts';
import type { CallLimits } from '../../model/call-limits.ts';
import type { RateLimitState, RateLimits } from '../../model/chat.ts';
import type { CallResult, GateRequest } from './gate-request.ts';
import { Meter } from './meter.ts';
import type { Stay } from './rolling-window.ts';
import { type Random, Throttle } from './throttle.ts';

/** A response's rate-limit headers are taken as of its call's arrival: at most this after its start. */
const HEADERS_AFTER_MS = 250;

/** One call in a model's gate. */
export interface ModelStay {
  readonly stay: Stay | undefined;
  readonly startMs: number;
  /** By so much it put off the next call, at the learnt rate. */
  readonly paceMs: number;
  /** Requests and tokens of the model up to and with this call. */
  readonly requests: number;
  readonly tokens: number;
}

export class ModelGate {
  readonly #meter: Meter;
  readonly #throttle: Throttle;
  readonly #requests = new HeaderAllowance();
  readonly #tokens = new HeaderAllowance();

  /** `limits`: the model's own. */
  constructor(provider: CallLimits, limits: CallLimits, random: Random) {
    this.#meter = new Meter(countedLimits(provider, limits));
    this.#throttle = new Throttle(random);
  }

  refusal(request: GateRequest): string | undefined {
    return this.#meter.refusal(request);
  }

  /** Milliseconds for which refusals still hold all calls. */
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

  /** Whether the call may go out now. */
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

  /** Takes in what the headers say, as of the moment at which the call arrived. */
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
 * What is counted of a model: its own limits, and those of its provider, which hold for it anyway. Headers
 * mostly speak of one model, and are compared with the count of it.
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
 * What the headers of the responses still allow of requests, or of tokens, counted over all calls so far. A
 * response that leaves `remaining` of a limit speaks of the moment of its call; the calls after it have used
 * some of that since. So it names the last call, by its number, that may go out before the limit is reset.
 */
class HeaderAllowance {
  #used = 0;
  /** Of the latest call whose response has been read. */
  #readUpTo = 0;
  #allowed = Infinity;
  #resetMs = -Infinity;

  /** What is still allowed. */
  roomAt(nowMs: number): number {
    return nowMs >= this.#resetMs ? Infinity : this.#allowed - this.#used;
  }

  /** When `amount` more is allowed. */
  freeAt(nowMs: number, amount: number): number {
    return this.roomAt(nowMs) >= amount ? nowMs : this.#resetMs;
  }

  /** Counts a call; returns the count after it, for `read`. */
  enter(amount: number): number {
    this.#used += amount;
    return this.#used;
  }

  /** The call at this count never went out. */
  undo(countAfter: number, amount: number): void {
    if (countAfter > this.#readUpTo) this.#allowed += amount;
  }

  /** Takes in the headers of the response to the call at this count. Those of an earlier call are older. */
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
