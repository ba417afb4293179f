/** How many runs the next chunk takes, by what the last ones cost and how many are left. */
import { CHUNK_MAX_ROWS, CHUNK_WAITING_MS } from '../limits.ts';

/** A chunk grows while one takes less than this in the worker. */
const CHUNK_TARGET_MS = 5;
/** Runs that wait for models travel in one chunk up to this many. */
export const CHUNK_WAITING_RUNS = 4;
/** A chunk that takes less than this is not made smaller for other lanes: sending one takes as long. */
const CHUNK_LEAST_MS = 0.3;
/** A chunk of cheap runs takes at most this part of the runs that are left for each lane. */
const CHUNK_PART_OF_REST = 1 / 2;
/** The same for runs that wait for models. Their times differ more: with a half, the last rows take 3 % longer. */
const CHUNK_WAITING_PART_OF_REST = 1 / 4;

/** What the chunks of a statement have come to. */
export interface LearnedSizes {
  readonly size: number;
  /** Runs that take next to no time together. */
  readonly least: number;
}

export interface ChunkPolicyOptions {
  readonly maxRuns?: number | undefined;
  /** The runs wait for models most of their time: a few of them may take longer than cheap ones. */
  readonly waits?: boolean;
  /** What an earlier statement has learned of the same cascade. */
  readonly known?: LearnedSizes | undefined;
}

/**
 * Starts at one run, or at what is known of the cascade, and doubles while a chunk takes less than the target; a run that waits long for a
 * model travels alone, cheap ones by the hundred. Near the end chunks shrink, so that no lane is
 * left with a long last chunk while the others idle.
 */
export class ChunkPolicy {
  readonly #parallel: number;
  readonly #maxRuns: number;
  readonly #waits: boolean;
  #size: number;
  #least: number;

  constructor(parallel: number, { maxRuns, waits, known }: ChunkPolicyOptions = {}) {
    this.#parallel = parallel;
    this.#maxRuns = maxRuns ?? CHUNK_MAX_ROWS;
    this.#waits = waits === true;
    this.#size = Math.min(known?.size ?? 1, this.#maxRuns);
    this.#least = known?.least ?? 1;
  }

  /** The size of the next chunk, given the runs that are left. */
  size(remaining: number): number {
    const part = this.#waits ? CHUNK_WAITING_PART_OF_REST : CHUNK_PART_OF_REST;
    const share = Math.max(this.#least, Math.ceil((remaining * part) / this.#parallel));
    return Math.max(1, Math.min(this.#size, share, remaining));
  }

  get learned(): LearnedSizes {
    return { size: this.#size, least: this.#least };
  }

  /** What a chunk cost inside its worker. */
  observe(rowCount: number, durationMs: number): void {
    const targetMs = this.#targetMs(rowCount);
    if (!this.#waits) this.#least = Math.floor((rowCount * CHUNK_LEAST_MS) / durationMs);
    if (durationMs > 2 * targetMs) {
      const affordable = Math.floor((rowCount * targetMs) / durationMs);
      this.#size = Math.max(1, Math.min(this.#size, affordable));
    } else if (durationMs < this.#targetMs(2 * this.#size) && rowCount >= this.#size) {
      this.#size = Math.min(this.#maxRuns, this.#size * 2);
    }
  }

  /** What a chunk of so many runs may take. */
  #targetMs(runs: number): number {
    return this.#waits && runs <= CHUNK_WAITING_RUNS ? CHUNK_WAITING_MS : CHUNK_TARGET_MS;
  }
}
