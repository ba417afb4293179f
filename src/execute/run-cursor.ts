/** The one cursor that all lanes of a statement take their chunks from, held back by the window. */
import { type Chunk, type RunInputs, subChunk } from './chunk.ts';
import type { ChunkPolicy } from './chunk-policy.ts';
import type { Window } from './window.ts';

/** Rows that one read from the staged table brings into JavaScript. */
const READ_SLICE_ROWS = 16_384;

export class RunCursor {
  readonly #inputs: RunInputs;
  readonly #policy: ChunkPolicy;
  readonly #window: Window;
  /** Runs read ahead, the first of them next. */
  #buffer: Chunk | undefined;
  #bufferAt = 0;
  #taken = 0;
  /** Runs that were taken and given back; the window has them among its own. */
  readonly #returned: Chunk[] = [];
  #readTo = 0;
  #reading: Promise<void> | undefined;

  constructor(inputs: RunInputs, policy: ChunkPolicy, window: Window) {
    this.#inputs = inputs;
    this.#policy = policy;
    this.#window = window;
  }

  /** The next chunk, or nothing once all runs are taken. */
  async take(): Promise<Chunk | undefined> {
    for (;;) {
      const returned = this.#takeReturned();
      if (returned !== undefined) return returned;
      if (!this.#window.hasRoom) {
        // Other lanes wait for the same room: the first to go on may take all of it.
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

  /** Takes back runs that have not begun. They go before all others, and need no room: others may wait for them. */
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

  /** One read at a time, whichever lane asks. */
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
