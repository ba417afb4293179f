/** Which worker takes the next chunk. */
import { GATHER_MAX_CHUNKS } from '../limits.ts';

/** A worker gathers waiting chunks only while its event loop is busy for less than this part of the time. */
const GATHER_MAX_UTILIZATION = 0.7;

/** What the choice needs to know of a worker. */
export interface Candidate {
  readonly id: number;
  /** Chunks that it holds. */
  readonly currentUsage: number;
}

/** The export of `workers/entry.ts` that chunks are sent to whose rows wait for a model most of the time. */
export const WAITING_CHUNK = 'runWaitingChunk';

/**
 * Chunks go to the worker that holds the fewest. Those that mostly wait gather on the first worker
 * whose event loop has time for them: one loop serves hundreds of calls, and two half-idle ones
 * spend a third more on the same calls.
 */
export function chooseWorker<T extends Candidate>(
  workers: Iterable<T>,
  waits: boolean,
  maxUsage: number,
  utilizationOf: (threadId: number) => number,
): T | null {
  let chosen: T | null = null;
  let fewest = maxUsage;
  for (const worker of workers) {
    const usage = worker.currentUsage;
    if (waits && usage < GATHER_MAX_CHUNKS && utilizationOf(worker.id) < GATHER_MAX_UTILIZATION) {
      return worker;
    }
    if (usage < fewest) {
      chosen = worker;
      fewest = usage;
    }
  }
  return chosen;
}
