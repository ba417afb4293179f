/**
 * What the headers of the responses still allow. A response that leaves `remaining` of a limit speaks of
 * the moment of its call; the calls after it have used some of that since. So it names the last call, by
 * its number, that may go out before the limit is reset.
 */
import { RETRY_AFTER_MAX_MS } from '../../limits.ts';
import type { RateLimitState } from '../../model/chat.ts';

/** One kind of thing that is counted, requests or tokens, over all calls so far. */
export class HeaderAllowance {
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
