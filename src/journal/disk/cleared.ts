/** Tracks which answers have been cleared by `cache.clear` records. */
import type { CacheClear } from './stored-record.ts';

/** Combines `cache.clear` records. Their order does not matter. */
export class Cleared {
  #before = 0;
  readonly #keys = new Map<string, number>();

  add({ before, keys }: CacheClear): void {
    if (keys === undefined) this.#before = Math.max(this.#before, before);
    for (const key of keys ?? []) {
      this.#keys.set(key, Math.max(this.#keys.get(key) ?? 0, before));
    }
  }

  /** True if an answer with this key and this date (µs since the epoch) has been cleared. */
  covers(callKey: string, at: number): boolean {
    return at < this.#before || (this.#keys.size > 0 && at < (this.#keys.get(callKey) ?? 0));
  }
}
