/** A limit that a refusal sets and time lifts. */
import { THROTTLE_FACTOR, THROTTLE_FORGET, THROTTLE_RECOVERY_MS } from './gate-limits.ts';

/**
 * After a refusal at some level the limit is 70 % of it, comes back to it along a cubic (fast, then flat:
 * most of the time is spent just below what was refused), goes beyond it, and is forgotten.
 */
export class RecoveringLimit {
  /** The lowest level that is known to be refused. */
  ceiling = Number.POSITIVE_INFINITY;
  #sinceMs = 0;

  /** A refusal at `level`. */
  drop(level: number, nowMs: number): void {
    this.ceiling = level;
    this.#sinceMs = nowMs;
  }

  at(nowMs: number): number {
    if (this.ceiling === Number.POSITIVE_INFINITY) return this.ceiling;
    const part = (nowMs - this.#sinceMs) / THROTTLE_RECOVERY_MS - 1;
    const level = 1 + (1 - THROTTLE_FACTOR) * part ** 3;
    if (level > THROTTLE_FORGET) this.ceiling = Number.POSITIVE_INFINITY;
    return this.ceiling * level;
  }

  /** When the limit will be `level`. */
  reachesAt(level: number): number {
    const part = Math.cbrt((level / this.ceiling - 1) / (1 - THROTTLE_FACTOR));
    return this.#sinceMs + (part + 1) * THROTTLE_RECOVERY_MS;
  }
}
