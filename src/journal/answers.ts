/** Stores answers of earlier calls and finds them by call key. */
import { LRUCache } from 'lru-cache';
import { ANSWERS_WARM_CHARS, ANSWERS_WARM_EXTRA_CHARS } from '../limits.ts';
import type { JournalRecord } from './records.ts';

/** An answer that an earlier call paid for. */
export interface StoredAnswer {
  readonly text: string;
  readonly tokensIn: number;
  readonly tokensOut: number;
  /** Null if the price was not known. */
  readonly costMicroUsd: number | null;
  /** The time of the answer, µs since the epoch. */
  readonly at: number;
}

/** A store of answers. It never holds failures. */
export interface AnswerStore {
  /** Grows when an answer replaces another answer, and when answers are cleared. A new key does not count. */
  readonly changes: number;
  /** Returns the newest answer under the key, unless the answer is older than `notBefore` (µs since the epoch). */
  find(callKey: string, notBefore?: number): StoredAnswer | undefined;
}

/** A store that finds nothing, for `answers: false`. */
export const NO_ANSWERS: AnswerStore = { changes: 0, find: () => undefined };

/** Keeps the most recently used answers in memory, up to a total size. */
export class MemoryAnswers implements AnswerStore {
  #changes = 0;
  readonly #kept: LRUCache<string, StoredAnswer>;

  constructor(maxChars: number = ANSWERS_WARM_CHARS) {
    // No `max`: with it the cache allocates its arrays at once, which takes 30 ms for 100,000 entries.
    this.#kept = new LRUCache({
      maxSize: maxChars,
      sizeCalculation: ({ text }, key) => text.length + key.length + ANSWERS_WARM_EXTRA_CHARS,
    });
  }

  get changes(): number {
    return this.#changes;
  }

  find(callKey: string, notBefore = 0): StoredAnswer | undefined {
    const answer = this.#kept.get(callKey);
    return answer === undefined || answer.at < notBefore ? undefined : answer;
  }

  /** Keeps the answer of an `attempt.end` that has an answer. Ignores every other record. */
  remember(record: JournalRecord): void {
    if (record.t !== 'attempt.end') return;
    const { callKey, value: text, tokensIn, tokensOut, costMicroUsd, at } = record;
    if (callKey === undefined || text === undefined) return;
    this.put(callKey, { text, tokensIn, tokensOut, costMicroUsd, at });
  }

  /** Keeps an answer under a key and replaces an earlier answer under the same key. */
  put(callKey: string, answer: StoredAnswer): void {
    if (this.#kept.has(callKey)) this.#changes += 1;
    this.#kept.set(callKey, answer);
  }
}
