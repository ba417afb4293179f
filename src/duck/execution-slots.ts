/**
 * Which statements may run in one call, so that a short one need not wait for long ones.
 *
 * DuckDB's threads take tasks from three of the statements that have some, and can leave out a fourth for as long as
 * these run (seen: a minute). A thread of libuv's works on its own statement alone. One of them is therefore kept for
 * statements that were short before.
 */
import { LRUCache } from 'lru-cache';

const LONG_MS = 250;
/** What was long takes a free slot once it has waited this long, so that new statements come first. */
const LONG_WAITS_MS = 1_000;
const SHAPES_KEPT = 2_000;
/** Characters of a text that tell its shape. */
const SHAPE_CHARS = 1_000;

export class ExecutionSlots {
  readonly #slots: number;
  #held = 0;
  /** Of the slots held, how many by statements that were not known to be short. */
  #heldByOthers = 0;
  readonly #wasLong = new LRUCache<string, boolean>({ max: SHAPES_KEPT });

  constructor(slots: number) {
    this.#slots = slots;
  }

  /** A slot for a statement that has waited for `waitedMs`, or undefined where it has to wait longer. */
  tryAcquire(sql: string, waitedMs = 0): (() => void) | undefined {
    const wasLong = this.#wasLong.get(shapeOf(sql));
    if (this.#held === this.#slots || (wasLong === true && waitedMs < LONG_WAITS_MS))
      return undefined;
    const isOther = wasLong !== false;
    if (isOther && this.#heldByOthers >= Math.max(1, this.#slots - 1)) return undefined;
    this.#held += 1;
    if (isOther) this.#heldByOthers += 1;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#held -= 1;
      if (isOther) this.#heldByOthers -= 1;
    };
  }

  /** Tells how long a statement worked, for the next of its shape. What may have been either way teaches nothing. */
  learn(sql: string, { atLeastMs, atMostMs }: { atLeastMs: number; atMostMs: number }): void {
    if (atMostMs < LONG_MS) this.#wasLong.set(shapeOf(sql), false);
    else if (atLeastMs >= LONG_MS) this.#wasLong.set(shapeOf(sql), true);
  }
}

/** Texts that differ in numbers and quoted strings alone have one shape. */
function shapeOf(sql: string): string {
  return sql.slice(0, SHAPE_CHARS).replace(/'[^']*'|\d+/g, '?');
}
