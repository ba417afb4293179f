/** n lanes over one cursor: each takes the next chunk, settles it, and takes the next. */
import type { Chunk } from './chunk.ts';

export interface LaneWork {
  readonly parallel: number;
  next(): Promise<Chunk | undefined>;
  settle(chunk: Chunk): Promise<void>;
  /** Called once, at the first failure, so that the other lanes can be stopped. */
  stop(): void;
}

/**
 * Ends when every lane has ended. At most `parallel` chunks are being settled at any moment, and a
 * chunk's rows run one after another, so at most `parallel` runs are in flight. Never a static
 * split, never waves: with uneven latencies those take 1.2 to 5.7 times the bound.
 */
export async function runLanes(work: LaneWork): Promise<void> {
  let failed = false;
  let failure: unknown;
  const lane = async (): Promise<void> => {
    try {
      while (!failed) {
        const chunk = await work.next();
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
