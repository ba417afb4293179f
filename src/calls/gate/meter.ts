/** Counts the calls of one provider, model or statement against its limits. */
import { MODEL_IDLE_MS, RATE_WINDOW_MS } from '../../limits.ts';
import type { CallLimits } from '../../model/call-limits.ts';
import type { RateLimitState } from '../../model/chat.ts';
import type { CallResult, GateRequest } from './gate-request.ts';
import { RollingWindow, type Stay, type Way, type WindowLimits } from './rolling-window.ts';

/** Without a call for this long a provider is cold: its connections are closed, and a ramp begins anew. */
export const GATE_COLD_MS = MODEL_IDLE_MS;

export class Meter {
  inFlight = 0;
  readonly #maxInFlight: number;
  readonly #warmth: Warmth;
  /** Absent where no rate is limited. */
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

  /** Says why the call could never go out. */
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

  /** When the call may go out: now, later, or never before another one ends. */
  freeAt(nowMs: number, request: GateRequest): number {
    if (this.inFlight >= this.#maxInFlight) return Number.POSITIVE_INFINITY;
    const rampMs = this.#warmth.freeAt(nowMs, this.inFlight);
    if (this.#window === undefined) return rampMs;
    return Math.max(rampMs, this.#window.freeAt(nowMs, this.#fitted(request)));
  }

  /** Whether the call may go out now. */
  isFree(nowMs: number, request: GateRequest): boolean {
    if (this.inFlight >= this.#maxInFlight) return false;
    if (this.#warmth.freeAt(nowMs, this.inFlight) > nowMs) return false;
    return this.#window?.fits(nowMs, this.#fitted(request)) ?? true;
  }

  /** The call goes out. `lagMs`: how far this process is behind its timers. */
  enter(nowMs: number, request: GateRequest, lagMs: number): Stay | undefined {
    const way = this.#warmth.enter(nowMs, this.inFlight);
    this.inFlight += 1;
    return this.#window?.enter(nowMs, this.#fitted(request), way, lagMs);
  }

  /** A guess above what the window holds counts as all of it. */
  #fitted(request: GateRequest): GateRequest {
    const most = this.#limits.outputTokens;
    return request.outputTokens <= most ? request : { ...request, outputTokens: most };
  }

  /** The call has ended. */
  leave(nowMs: number, stay: Stay | undefined, { status, usage }: CallResult): void {
    this.inFlight -= 1;
    this.#warmth.leave(nowMs, status !== undefined);
    if (stay === undefined) return;
    // Where nothing answered, the call may still be on its way.
    if (status !== undefined) this.#window?.answered(stay, nowMs);
    if (usage !== undefined) this.#window?.correct(stay, usage);
  }

  /** The call never went out. */
  undo(stay: Stay | undefined): void {
    this.inFlight -= 1;
    if (stay !== undefined) this.#window?.remove(stay);
  }

  /**
   * Whether what a response's headers say is left is no less than what the calls counted here have left: then
   * the count is more exact than the headers, which name no moment at which a part of the limit comes back.
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
    // Calls arrive in another order than they went out: those after this one may have come before it.
    return remaining + Math.max(then, this.#window?.sum[what] ?? 0) >= limit;
  }

  /** Takes in the limit that a provider names in a response's headers. By custom it is that of a minute. */
  tighten(requests: number): void {
    if (this.#window?.windowMs === RATE_WINDOW_MS) this.#window.tighten(requests);
  }

  /** Whether nothing would be lost with it. */
  isIdle(nowMs: number): boolean {
    return this.inFlight === 0 && (this.#window?.isEmpty(nowMs) ?? true);
  }
}

/** How many calls have lately been in flight at once: so many connections are open. */
class Warmth {
  readonly #ramp: number;
  readonly #forgetMs: number;
  /** Most calls in flight in this stretch of time and in the one before. */
  #peak = 0;
  #peakBefore = 0;
  #stretchMs = Number.NEGATIVE_INFINITY;
  #coldStartMs = 0;
  /** Whether a call has been answered since then. */
  #isProven = false;
  #lastMs = Number.NEGATIVE_INFINITY;

  /** `windowMs`: of the rates; `ramp`: calls in flight that may be added a second from a cold start. */
  constructor(windowMs: number, ramp = Number.POSITIVE_INFINITY) {
    this.#forgetMs = Math.max(GATE_COLD_MS, windowMs);
    this.#ramp = ramp;
  }

  /** When the ramp allows one more call beside `inFlight`: one at the start, `ramp` more each second. */
  freeAt(nowMs: number, inFlight: number): number {
    if (inFlight === 0 || this.#ramp === Number.POSITIVE_INFINITY) return nowMs;
    return Math.max(nowMs, this.#coldStartMs + (inFlight / this.#ramp) * 1_000);
  }

  /** A call goes out beside `inFlight`. */
  enter(nowMs: number, inFlight: number): Way {
    if (inFlight === 0 && nowMs - this.#lastMs >= GATE_COLD_MS) {
      this.#coldStartMs = nowMs;
      // Where rates are used up there are calls in every window, be it in bursts far apart.
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

/** A rate per minute as a whole number per window. */
function perWindow(perMinute: number | undefined, windowMs: number): number {
  if (perMinute === undefined) return Number.POSITIVE_INFINITY;
  // 0.1 + 0.2: what is whole but for rounding is whole.
  return Math.floor((perMinute * windowMs) / 60_000 + 1e-9);
}
