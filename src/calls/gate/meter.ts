/** Counts the calls of one provider, model or statement against its limits. */
import { MODEL_IDLE_MS, RATE_WINDOW_MS } from '../../limits.ts';
import type { CallLimits } from '../../model/call-limits.ts';
import type { RateLimitState } from '../../model/chat.ts';
import type { CallResult, GateRequest } from './gate-request.ts';
import { RollingWindow, type Stay, type Way, type WindowLimits } from './rolling-window.ts';

/** After this time without calls a provider is cold: its connections are closed, and its ramp starts again. */
export const GATE_COLD_MS = MODEL_IDLE_MS;

/** The counter of one provider, model or statement. */
export class Meter {
  inFlight = 0;
  readonly #maxInFlight: number;
  readonly #warmth: Warmth;
  /** Undefined if no rate is limited. */
  readonly #window: RollingWindow | undefined;
  readonly #limits: WindowLimits;

  constructor(limits: CallLimits) {
    const windowMs = limits.windowMs ?? RATE_WINDOW_MS;
    this.#maxInFlight = limits.inFlight ?? Number.POSITIVE_INFINITY;
    this.#warmth = new Warmth(windowMs, limits.ramp);
    this.#limits = {
      requests: perWindow(limits.rpm, windowMs),
      inputTokens: perWindow(limits.inputTpm, windowMs),
      outputTokens: perWindow(limits.outputTpm, windowMs),
    };
    const isLimited = Object.values(this.#limits).some(Number.isFinite);
    this.#window = isLimited ? new RollingWindow(this.#limits, windowMs) : undefined;
  }

  /** Returns why the call could never go out; undefined if it can. */
  refusal({ inputTokens, outputTokens, isOutputGuessed }: GateRequest): string | undefined {
    const limits = this.#limits;
    if (limits.requests < 1) return 'rpm admits less than one call in its window';
    if (inputTokens > limits.inputTokens) {
      return `it has ${inputTokens} input tokens, and input_tpm admits ${limits.inputTokens} in its window`;
    }
    if (isOutputGuessed !== true && outputTokens > limits.outputTokens) {
      return `it may take ${outputTokens} output tokens, and output_tpm admits ${limits.outputTokens} in its window`;
    }
    return undefined;
  }

  /** Returns when the call may go out; Infinity if another call must end first. */
  freeAt(nowMs: number, request: GateRequest): number {
    if (this.inFlight >= this.#maxInFlight) return Number.POSITIVE_INFINITY;
    const rampMs = this.#warmth.freeAt(nowMs, this.inFlight);
    if (this.#window === undefined) return rampMs;
    return Math.max(rampMs, this.#window.freeAt(nowMs, this.#fitted(request)));
  }

  /** True if the call may go out now. */
  isFree(nowMs: number, request: GateRequest): boolean {
    if (this.inFlight >= this.#maxInFlight) return false;
    if (this.#warmth.freeAt(nowMs, this.inFlight) > nowMs) return false;
    return this.#window?.fits(nowMs, this.#fitted(request)) ?? true;
  }

  /** The call goes out. `lagMs`: how late this process's timers are. */
  enter(nowMs: number, request: GateRequest, lagMs: number): Stay | undefined {
    const way = this.#warmth.enter(nowMs, this.inFlight);
    this.inFlight += 1;
    return this.#window?.enter(nowMs, this.#fitted(request), way, lagMs);
  }

  /** Cuts a guessed output above the window's limit down to that limit. */
  #fitted(request: GateRequest): GateRequest {
    const most = this.#limits.outputTokens;
    return request.outputTokens <= most ? request : { ...request, outputTokens: most };
  }

  /** The call has ended. */
  leave(nowMs: number, stay: Stay | undefined, { status, usage }: CallResult): void {
    this.inFlight -= 1;
    this.#warmth.leave(nowMs, status !== undefined);
    if (stay === undefined) return;
    // Without a response, the call may still be on its way.
    if (status !== undefined) this.#window?.answered(stay, nowMs);
    if (usage !== undefined) this.#window?.correct(stay, usage);
  }

  /** The call never went out. */
  undo(stay: Stay | undefined): void {
    this.inFlight -= 1;
    if (stay !== undefined) this.#window?.remove(stay);
  }

  /**
   * True if a response's headers report at least as much remaining as the calls counted here leave. Then this count is
   * more exact than the headers, which do not say when a part of the limit becomes free.
   */
  explains(
    stay: Stay | undefined,
    what: 'requests' | 'inputTokens',
    said: RateLimitState,
  ): boolean {
    const { limit, remaining } = said;
    if (stay === undefined || limit === undefined || remaining === undefined) return false;
    if (this.#limits[what] > limit) return false;
    const then = what === 'requests' ? stay.requestsThen : stay.inputTokensThen;
    // Calls may arrive in another order than they went out, so calls that went out later count too.
    return remaining + Math.max(then, this.#window?.sum[what] ?? 0) >= limit;
  }

  /** Sets the request limit that a response's headers state. By convention it is per minute. */
  tighten(requests: number): void {
    if (this.#window?.windowMs === RATE_WINDOW_MS) this.#window.tighten(requests);
  }

  /** True if nothing is counted, so that this state can be dropped. */
  isIdle(nowMs: number): boolean {
    return this.inFlight === 0 && (this.#window?.isEmpty(nowMs) ?? true);
  }
}

/** Estimates how many connections are open: as many as calls were recently in flight at once. */
class Warmth {
  readonly #ramp: number;
  readonly #forgetMs: number;
  /** The maximum of calls in flight in this stretch of time; `#peakBefore` is that of the stretch before. */
  #peak = 0;
  #peakBefore = 0;
  #stretchMs = Number.NEGATIVE_INFINITY;
  #coldStartMs = 0;
  /** True once a call has been answered. A start after `#forgetMs` without calls resets it. */
  #isProven = false;
  #lastMs = Number.NEGATIVE_INFINITY;

  /** `windowMs` is the window of the rates. `ramp` calls in flight may be added per second after a cold start. */
  constructor(windowMs: number, ramp = Number.POSITIVE_INFINITY) {
    this.#forgetMs = Math.max(GATE_COLD_MS, windowMs);
    this.#ramp = ramp;
  }

  /** Returns when the ramp allows one more call beside `inFlight`: one at the start, `ramp` more per second. */
  freeAt(nowMs: number, inFlight: number): number {
    if (inFlight === 0 || this.#ramp === Number.POSITIVE_INFINITY) return nowMs;
    return Math.max(nowMs, this.#coldStartMs + (inFlight / this.#ramp) * 1_000);
  }

  /** A call goes out while `inFlight` others are in flight. */
  enter(nowMs: number, inFlight: number): Way {
    if (inFlight === 0 && nowMs - this.#lastMs >= GATE_COLD_MS) {
      this.#coldStartMs = nowMs;
      // Callers that use up their rates may call in bursts, one per window. Such bursts must not reset `#isProven`.
      if (nowMs - this.#lastMs >= this.#forgetMs) this.#isProven = false;
    }
    if (nowMs - this.#stretchMs >= GATE_COLD_MS) {
      this.#peakBefore = nowMs - this.#stretchMs < 2 * GATE_COLD_MS ? this.#peak : inFlight;
      this.#peak = inFlight;
      this.#stretchMs = nowMs;
    }
    const isCold = inFlight + 1 > Math.max(this.#peak, this.#peakBefore);
    this.#peak = Math.max(this.#peak, inFlight + 1);
    this.#lastMs = nowMs;
    if (!this.#isProven) return 'first';
    return isCold ? 'cold' : 'warm';
  }

  leave(nowMs: number, isAnswered: boolean): void {
    this.#lastMs = nowMs;
    if (isAnswered) this.#isProven = true;
  }
}

/** Converts a rate per minute to a whole number per window. */
function perWindow(perMinute: number | undefined, windowMs: number): number {
  if (perMinute === undefined) return Number.POSITIVE_INFINITY;
  // The small addend corrects rounding errors as in 0.1 + 0.2.
  return Math.floor((perMinute * windowMs) / 60_000 + 1e-9);
}
