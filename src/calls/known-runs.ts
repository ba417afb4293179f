/**
 * Runs that were one stored answer each: asked again, such a run takes no worker, no prompt and no key. Whether the
 * answer may still be used is asked of the journal each time, as for any other call.
 */
import { LRUCache } from 'lru-cache';
import type { LookUp } from '../run/contract.ts';

/** What the keys and answers of such runs take at most, in characters. */
const MAX_CHARS = 32 * 1024 * 1024;
/** What one takes besides its key and answer. */
const EXTRA_CHARS = 200;

/** A run that took one stored answer. */
export interface KnownRun {
  readonly callKey: string;
  /** The stored answer. */
  readonly text: string;
  /** The value that the run made of it. */
  readonly value: string | null;
  readonly asked: Omit<LookUp, 'callKeys'>;
}

export class KnownRuns {
  readonly #runs = new LRUCache<string, KnownRun>({
    maxSize: MAX_CHARS,
    sizeCalculation: ({ text }, key) => text.length + key.length + EXTRA_CHARS,
  });
  readonly #numbers = new LRUCache<string, number>({ max: 1_000 });
  #lastNumber = 0;

  /** The runs of what `identity` says in full: the cascade, its models and their settings. */
  of(identity: string): KnownRunsOf {
    let number = this.#numbers.get(identity);
    if (number === undefined) {
      this.#lastNumber += 1;
      number = this.#lastNumber;
      this.#numbers.set(identity, number);
    }
    const prefix = `${number}:`;
    return {
      get: (inputs) => this.#runs.get(prefix + inputs),
      keep: (inputs, run) => {
        this.#runs.set(prefix + inputs, run);
      },
    };
  }
}

/** Known runs of one cascade, by the text of their inputs. */
export interface KnownRunsOf {
  get(inputs: string): KnownRun | undefined;
  keep(inputs: string, run: KnownRun): void;
}
