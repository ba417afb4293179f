/**
 * Decides which statements may run in one call, so that a short statement does not wait for long ones.
 *
 * DuckDB's threads take tasks from three statements at a time, and can ignore a fourth as long as these three run
 * (observed: a minute). A libuv thread works only on its own statement. One slot is therefore kept for statements that
 * were short before.
 */
import { LRUCache } from 'lru-cache';

const LONG_MS = 250;
/** A statement known to be long gets a free slot only after this wait, so that new statements come first. */
const LONG_WAITS_MS = 1_000;
/** A statement known to be short waits this long for a slot. In one call it costs a third of being started and polled. */
const SHORT_WAITS_MS = 20;
const SHAPES_KEPT = 2_000;
/** The shape of a text is made from this many characters at its start. */
const SHAPE_CHARS = 1_000;

/** Grants slots to statements that run in one call, and remembers which statements were long. */
export class ExecutionSlots {
  readonly #slots: number;
  #held = 0;
  /** The number of slots held by statements that were not known to be short. */
  #heldByOthers = 0;
  readonly #wasLong = new LRUCache<string, boolean>({ max: SHAPES_KEPT });
  /** Statements known to be short that wait for a slot, in order. Each function tells one to look again. */
  readonly #waiting = new Set<() => void>();

  constructor(slots: number) {
    this.#slots = slots;
  }

  /** Like `tryAcquire`, but a statement known to be short waits a little while for a slot. */
  async acquireSoon(sql: string): Promise<(() => void) | undefined> {
    const free = this.tryAcquire(sql);
    if (free !== undefined || this.#wasLong.get(shapeOf(sql)) !== false) return free;
    await new Promise<void>((resolve) => {
      const look = () => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve();
      };
      const timer = setTimeout(look, SHORT_WAITS_MS);
      this.#waiting.add(look);
    });
    return this.tryAcquire(sql);
  }

  /** Gives a slot to a statement that has waited for `waitedMs`; returns its release, or undefined without a slot. */
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
      const [next] = this.#waiting;
      next?.();
    };
  }

  /** Records if a statement was long, for later statements of its shape. Ignores bounds that leave this open. */
  learn(sql: string, { atLeastMs, atMostMs }: { atLeastMs: number; atMostMs: number }): void {
    if (atMostMs < LONG_MS) this.#wasLong.set(shapeOf(sql), false);
    else if (atLeastMs >= LONG_MS) this.#wasLong.set(shapeOf(sql), true);
  }
}

/** Returns the shape of a text. Texts that differ only in numbers and quoted strings have the same shape. */
function shapeOf(sql: string): string {
  // A slice keeps the whole text in memory. A copy of it does not.
  const start = sql.length > SHAPE_CHARS ? Buffer.from(sql.slice(0, SHAPE_CHARS)).toString() : sql;
  return start.replace(/'[^']*'|\d+/g, '?');
}
