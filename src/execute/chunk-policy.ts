/** Decides how many runs the next chunk takes, from the durations of the last chunks and the number of runs left. */
import { CHUNK_MAX_ROWS, CHUNK_WAITING_MS } from '../limits.ts';

/** Chunks grow while a chunk takes less than this time in the worker. */
const CHUNK_TARGET_MS = 5;
/** A chunk of at most this many runs that wait for models may take `CHUNK_WAITING_MS`. */
export const CHUNK_WAITING_RUNS = 4;
/** A chunk that takes less than this is not made smaller to leave runs for other lanes: sending a chunk takes as long. */
const CHUNK_LEAST_MS = 0.3;
/** The number of runs left, divided by the lanes, is a lane's share. A chunk of cheap runs takes at most this part of it. */
const CHUNK_PART_OF_REST = 1 / 2;
/** The same for runs that wait for models. Their times differ more: with 1/2, the last rows take 3 % longer. */
const CHUNK_WAITING_PART_OF_REST = 1 / 4;

/** The chunk sizes that a statement has learned. */
export interface LearnedSizes {
  readonly size: number;
  /** The number of runs that together take only `CHUNK_LEAST_MS`. */
  readonly least: number;
}

export interface ChunkPolicyOptions {
  readonly maxRuns?: number | undefined;
  /** True if the runs wait for models most of their time: a chunk with a few of them may take longer than one of cheap runs. */
  readonly waits?: boolean;
  /** The sizes that an earlier statement has learned for the same cascade. */
  readonly known?: LearnedSizes | undefined;
}

/**
 * The size starts at one run, or at the size known for the cascade. It doubles while a chunk takes less than the
 * target. So a run that waits long for a model travels alone, and cheap runs travel by the hundred. Near the end
 * chunks shrink, so that no lane is left with a long last chunk while the others idle.
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

  /** Returns the size of the next chunk, given the number of runs left. */
  size(remaining: number): number {
    const part = this.#waits ? CHUNK_WAITING_PART_OF_REST : CHUNK_PART_OF_REST;
    const share = Math.max(this.#least, Math.ceil((remaining * part) / this.#parallel));
    return Math.max(1, Math.min(this.#size, share, remaining));
  }

  get learned(): LearnedSizes {
    return { size: this.#size, least: this.#least };
  }

  /** Learns from the time that a chunk took inside its worker. */
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

  /** Returns the time that a chunk of so many runs may take. */
  #targetMs(runs: number): number {
    return this.#waits && runs <= CHUNK_WAITING_RUNS ? CHUNK_WAITING_MS : CHUNK_TARGET_MS;
  }
}
