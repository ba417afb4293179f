/**
 * Remembers runs that used exactly one stored answer. Such a run can be repeated without a worker, a prompt and the
 * computation of a call key. The journal decides each time if the answer may still be used, as for any other call.
 */
import { LRUCache } from 'lru-cache';
import type { LookUp } from '../run/contract.ts';

/** The maximum of characters of all keys and answers. */
const MAX_CHARS = 32 * 1024 * 1024;
/** The memory of a known run besides its key and answer, in characters. */
const EXTRA_CHARS = 200;

/** A run that used exactly one stored answer. */
export interface KnownRun {
  readonly callKey: string;
  /** The stored answer. */
  readonly text: string;
  /** The run's result, which it made from that answer. */
  readonly value: string | null;
  readonly asked: Omit<LookUp, 'callKeys'>;
}

/** The known runs of an engine. */
export class KnownRuns {
  readonly #runs = new LRUCache<string, KnownRun>({
    maxSize: MAX_CHARS,
    sizeCalculation: ({ text }, key) => text.length + key.length + EXTRA_CHARS,
  });
  readonly #numbers = new LRUCache<string, number>({ max: 1_000 });
  #lastNumber = 0;

  /** Returns the known runs of one `identity`: the full text of a cascade, its models and their settings. */
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
