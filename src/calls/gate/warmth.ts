/** How many calls have lately been in flight at once: so many connections are open. */
import { GATE_COLD_MS } from './gate-limits.ts';

/**
 * How long the way of a call may be: the `first` ones since a cold start load code and look up names, `cold`
 * ones open their connection, `warm` ones find it open.
 */
export type Way = 'first' | 'cold' | 'warm';

export class Warmth {
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

  /** Calls in flight that the ramp allows at that time. */
  callsAt(atMs: number): number {
    if (this.#ramp === Number.POSITIVE_INFINITY) return this.#ramp;
    return 1 + Math.max(0, Math.floor(((atMs - this.#coldStartMs) * this.#ramp) / 1_000));
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
