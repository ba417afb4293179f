/** The cursor from which all lanes of a statement take their chunks. The window limits how far ahead it goes. */
import { type Chunk, type RunInputs, subChunk } from './chunk.ts';
import type { ChunkPolicy } from './chunk-policy.ts';
import type { Window } from './window.ts';

/** The most runs whose inputs one read brings into JavaScript. */
const READ_SLICE_ROWS = 16_384;

export class RunCursor {
  readonly #inputs: RunInputs;
  readonly #policy: ChunkPolicy;
  readonly #window: Window;
  /** Runs that were read ahead. The next run to take is at index `#bufferAt`. */
  #buffer: Chunk | undefined;
  #bufferAt = 0;
  #taken = 0;
  /** Runs that were taken and given back. The window still counts them as taken. */
  readonly #returned: Chunk[] = [];
  #readTo = 0;
  #reading: Promise<void> | undefined;

  constructor(inputs: RunInputs, policy: ChunkPolicy, window: Window) {
    this.#inputs = inputs;
    this.#policy = policy;
    this.#window = window;
  }

  /** Returns the next chunk; undefined when all runs are taken. */
  async take(): Promise<Chunk | undefined> {
    for (;;) {
      const returned = this.#takeReturned();
      if (returned !== undefined) return returned;
      if (!this.#window.hasRoom) {
        // Other lanes wait for the same room, and the first lane to go on may take all of it.
        await this.#window.room();
        continue;
      }
      const remaining = this.#inputs.runCount - this.#taken;
      if (remaining === 0) return undefined;
      const left = this.#buffer === undefined ? 0 : this.#buffer.rowCount - this.#bufferAt;
      if (left === 0) {
        await this.#refill();
        continue;
      }
      const count = Math.min(left, this.#policy.size(remaining), this.#window.freeRuns);
      const chunk = subChunk(this.#buffer!, this.#bufferAt, count);
      this.#bufferAt += count;
      this.#taken += count;
      this.#window.take(count);
      return chunk;
    }
  }

  /**
   * Takes back runs that have not begun. They are taken before all others, and without room in the window, because
   * the delivery of later runs may wait for them.
   */
  giveBack(rest: Chunk): void {
    this.#returned.push(rest);
  }

  #takeReturned(): Chunk | undefined {
    const returned = this.#returned.reduce((sum, { rowCount }) => sum + rowCount, 0);
    const chunk = this.#returned.shift();
    if (chunk === undefined) return undefined;
    const { rowCount } = chunk;
    const left = this.#inputs.runCount - this.#taken + returned;
    const count = Math.min(rowCount, this.#policy.size(left));
    if (count < rowCount) this.#returned.unshift(subChunk(chunk, count, rowCount - count));
    return subChunk(chunk, 0, count);
  }

  /** Reads the next runs. All lanes share one read at a time. */
  #refill(): Promise<void> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<void> {
    const first = this.#readTo;
    const count = Math.min(READ_SLICE_ROWS, this.#inputs.runCount - first);
    const slice = await this.#inputs.read(first, count);
    this.#buffer = { firstOrdinal: first, rowCount: count, ...slice };
    this.#bufferAt = 0;
    this.#readTo = first + count;
  }
}
