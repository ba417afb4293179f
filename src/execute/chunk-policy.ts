/** How many runs the next chunk takes, by what the last ones cost. */
import { CHUNK_MAX_ROWS, CHUNK_TARGET_MS } from '../limits.ts';

/**
 * Starts at one run and doubles while a chunk takes less than the target; a run that waits for a
 * model travels alone, cheap ones by the hundred. Near the end chunks shrink, so that no lane is
 * left with a long last chunk while the others idle.
 */
export class ChunkPolicy {
  readonly #parallel: number;
  readonly #maxRuns: number;
  #size = 1;

  constructor(parallel: number, maxRuns: number = CHUNK_MAX_ROWS) {
    this.#parallel = parallel;
    this.#maxRuns = maxRuns;
  }

  /** The size of the next chunk, given the runs that are left. */
  size(remaining: number): number {
    return Math.max(1, Math.min(this.#size, Math.ceil(remaining / (2 * this.#parallel))));
  }

  /** What a chunk cost inside its worker. */
  observe(rowCount: number, durationMs: number): void {
    if (durationMs > 2 * CHUNK_TARGET_MS) {
      const affordable = Math.floor((rowCount * CHUNK_TARGET_MS) / durationMs);
      this.#size = Math.max(1, Math.min(this.#size, affordable));
    } else if (durationMs < CHUNK_TARGET_MS && rowCount >= this.#size) {
      this.#size = Math.min(this.#maxRuns, this.#size * 2);
    }
  }
}
