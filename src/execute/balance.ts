/** Chooses the worker that takes the next chunk. */

/** A worker gathers chunks that wait for models only while its event loop is busy for less than this part of the time. */
const GATHER_MAX_UTILIZATION = 0.7;

/** The facts about a worker that the choice uses. */
export interface Candidate {
  readonly id: number;
  /** The number of chunks that the worker holds. */
  readonly currentUsage: number;
}

/** The export of `workers/entry.ts` for chunks whose rows wait for a model most of the time. */
export const WAITING_CHUNK = 'runWaitingChunk';

/**
 * Returns the worker with the fewest chunks; null if every worker holds `maxUsage` chunks. Chunks that mostly wait
 * gather on the first worker whose event loop has time for them instead, up to `gatherMost` chunks: one event loop
 * serves hundreds of calls, and two half-idle event loops spend a third more on the same calls.
 */
export function chooseWorker<T extends Candidate>(
  workers: Iterable<T>,
  {
    gatherMost,
    maxUsage,
    utilizationOf,
  }: {
    readonly gatherMost: number;
    readonly maxUsage: number;
    readonly utilizationOf: (threadId: number) => number;
  },
): T | null {
  let chosen: T | null = null;
  let fewest = maxUsage;
  for (const worker of workers) {
    const usage = worker.currentUsage;
    if (usage < gatherMost && utilizationOf(worker.id) < GATHER_MAX_UTILIZATION) {
      return worker;
    }
    if (usage < fewest) {
      chosen = worker;
      fewest = usage;
    }
  }
  return chosen;
}
