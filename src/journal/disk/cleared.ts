/** Which answers `cache.clear` records have put out of use. */
import type { CacheClear } from './stored-record.ts';

/** Folds `cache.clear` records, in any order. */
export class Cleared {
  #before = 0;
  readonly #keys = new Map<string, number>();

  add({ before, keys }: CacheClear): void {
    if (keys === undefined) this.#before = Math.max(this.#before, before);
    for (const key of keys ?? []) {
      this.#keys.set(key, Math.max(this.#keys.get(key) ?? 0, before));
    }
  }

  /** Whether an answer of that date (µs) under that key is out of use. */
  covers(callKey: string, at: number): boolean {
    return at < this.#before || (this.#keys.size > 0 && at < (this.#keys.get(callKey) ?? 0));
  }
}
