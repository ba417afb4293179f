/** Answers of earlier calls, found again by the key of the call. */
import { LRUCache } from 'lru-cache';
import { ANSWERS_WARM_CHARS, ANSWERS_WARM_EXTRA_CHARS } from '../limits.ts';
import type { JournalRecord } from './records.ts';

/** An answer that was bought once. */
export interface StoredAnswer {
  readonly text: string;
  readonly tokensIn: number;
  readonly tokensOut: number;
  /** Null where the price was not known. */
  readonly costMicroUsd: number | null;
  /** When it was given, µs since the epoch. */
  readonly at: number;
}

/** Where answers are kept. Failures are never among them. */
export interface AnswerStore {
  /** The newest answer under the key, unless it is older than `notBefore` (µs since the epoch). */
  find(callKey: string, notBefore?: number): StoredAnswer | undefined;
}

/** Finds nothing: `answers: false`. */
export const NO_ANSWERS: AnswerStore = { find: () => undefined };

/** Answers in memory: the most recently used, up to a size. */
export class MemoryAnswers implements AnswerStore {
  readonly #kept: LRUCache<string, StoredAnswer>;

  constructor(maxChars: number = ANSWERS_WARM_CHARS) {
    // Bounded by size alone: with a `max` the cache makes its arrays at once, 30 ms for 100,000 entries.
    this.#kept = new LRUCache({
      maxSize: maxChars,
      sizeCalculation: ({ text }, key) => text.length + key.length + ANSWERS_WARM_EXTRA_CHARS,
    });
  }

  find(callKey: string, notBefore = 0): StoredAnswer | undefined {
    const answer = this.#kept.get(callKey);
    return answer === undefined || answer.at < notBefore ? undefined : answer;
  }

  /** Keeps the answer of an `attempt.end` that has one; passes over every other record. */
  remember(record: JournalRecord): void {
    if (record.t !== 'attempt.end') return;
    const { callKey, value: text, tokensIn, tokensOut, costMicroUsd, at } = record;
    if (callKey === undefined || text === undefined) return;
    this.put(callKey, { text, tokensIn, tokensOut, costMicroUsd, at });
  }

  /** Keeps an answer under a key, in place of an earlier one. */
  put(callKey: string, answer: StoredAnswer): void {
    this.#kept.set(callKey, answer);
  }
}
