/** Runs lanes over one source. Each lane takes a chunk, settles the chunk, and takes the next one. */
import type { Chunk } from './chunk.ts';

export interface LaneWork {
  readonly parallel: number;
  /** Returns the next chunk for a lane; undefined ends the lane. Lanes count from 0. */
  next(lane: number): Promise<Chunk | undefined>;
  settle(chunk: Chunk): Promise<void>;
  /** Called once, at the first failure, so that the other lanes can be stopped. */
  stop(): void;
}

/**
 * Resolves when every lane has ended. At most `parallel` chunks are being settled at any moment, and a chunk's rows
 * run one after another, so at most `parallel` runs are in flight.
 */
export async function runLanes(work: LaneWork): Promise<void> {
  let failed = false;
  let failure: unknown;
  const lane = async (_: unknown, index: number): Promise<void> => {
    try {
      while (!failed) {
        const chunk = await work.next(index);
        if (chunk === undefined) return;
        await work.settle(chunk);
      }
    } catch (thrown) {
      if (failed) return;
      failed = true;
      failure = thrown;
      work.stop();
    }
  };
  await Promise.all(Array.from({ length: work.parallel }, lane));
  if (failed) throw failure;
}
