/** Limits how far the lanes may run ahead of the delivered runs, so that back-pressure stops them before memory does. */
import { WINDOW_MAX_RUNS } from '../limits.ts';

/** The most chunks that may be in flight or wait for an earlier chunk. */
const WINDOW_MAX_CHUNKS = 256;
/** The same per lane. The larger of the two bounds holds: a run of several times the mean duration must not stop the others. */
const WINDOW_CHUNKS_PER_LANE = 16;

export class Window {
  readonly #maxChunks: number;
  readonly #maxRuns: () => number;
  #runs = 0;
  /** For each chunk taken: its runs that are not yet delivered. A chunk counts as delivered with its last run. */
  readonly #chunks: number[] = [];
  #waiting: (() => void)[] = [];
  #open = true;
  #isHeld = false;

  /** The window is so wide that a slow run of several times the mean duration does not stop the other lanes. */
  constructor(parallel: number, maxRuns: () => number = () => WINDOW_MAX_RUNS) {
    this.#maxChunks = Math.max(WINDOW_MAX_CHUNKS, WINDOW_CHUNKS_PER_LANE * parallel);
    this.#maxRuns = maxRuns;
  }

  /** The most chunks that may be taken and not yet delivered. */
  get maxChunks(): number {
    return this.#maxChunks;
  }

  /** The number of runs that were taken and not yet delivered. */
  get takenRuns(): number {
    return this.#runs;
  }

  /** Whether a chunk may be taken now. */
  get hasRoom(): boolean {
    return this.freeRuns > 0;
  }

  /** The most runs that the next chunk may hold; 0 if no chunk may be taken. A closed window has no bound. */
  get freeRuns(): number {
    if (!this.#open) return Number.POSITIVE_INFINITY;
    if (this.#isHeld) return 0;
    return this.#chunks.length < this.#maxChunks ? Math.max(0, this.#maxRuns() - this.#runs) : 0;
  }

  /** Resolves once there is room for a chunk, or the window is closed. */
  async room(): Promise<void> {
    while (!this.hasRoom) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  take(runs: number): void {
    this.#runs += runs;
    this.#chunks.push(runs);
  }

  /** `runs` more have been delivered, in order. */
  release(runs: number): void {
    this.#runs -= runs;
    let left = runs;
    while (left > 0 && this.#chunks.length > 0) {
      const oldest = this.#chunks[0]!;
      if (oldest > left) {
        this.#chunks[0] = oldest - left;
        break;
      }
      left -= oldest;
      this.#chunks.shift();
    }
    this.#wake();
  }

  /** Lets no further chunk be taken until `resume`: nobody reads the rows that are known. */
  hold(): void {
    this.#isHeld = true;
  }

  resume(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#wake();
  }

  /** Lets every waiting lane go: the statement is ending. */
  close(): void {
    this.#open = false;
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
