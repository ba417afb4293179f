/**
 * Ends workers that no longer answer: a synchronous stretch of a row past its limit (an endless
 * loop), or a process past its memory limit. A deadline inside the worker cannot hold against
 * either, because the worker's own timers do not run meanwhile.
 */
import type { WorkerLinks } from './worker-links.ts';

const INTERVAL_MS = 50;
/** After ending a worker for its memory, time for the memory to be given back. */
const MEMORY_GRACE_MS = 2_000;

interface Stretch {
  readonly sequence: number;
  readonly sinceMs: number;
}

export class Watchdog {
  readonly #links: WorkerLinks;
  readonly #terminate: (threadId: number) => void;
  readonly #rssLimitBytes: number;
  readonly #stretches = new Map<number, Stretch>();
  /** Limits that rows of these tasks overstayed, until their loss is reported. */
  readonly #overstayed = new Map<number, number>();
  #timer: NodeJS.Timeout | undefined;
  #memoryQuietUntilMs = 0;

  constructor(links: WorkerLinks, rssLimitBytes: number, terminate: (threadId: number) => void) {
    this.#links = links;
    this.#rssLimitBytes = rssLimitBytes;
    this.#terminate = terminate;
  }

  /** Watches while chunks are out. */
  start(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(() => this.#look(), INTERVAL_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#stretches.clear();
  }

  /** The limit in milliseconds that the task's row overstayed, where that is why its worker was ended. */
  takeOverstay(taskId: number): number | undefined {
    const limitMs = this.#overstayed.get(taskId);
    this.#overstayed.delete(taskId);
    return limitMs;
  }

  #look(): void {
    const nowMs = performance.now();
    const readings = this.#links.readings();
    for (const { threadId, reading } of readings) {
      const stretch = this.#stretches.get(threadId);
      if (!reading.busy) {
        this.#stretches.delete(threadId);
      } else if (stretch === undefined || stretch.sequence !== reading.sequence) {
        this.#stretches.set(threadId, { sequence: reading.sequence, sinceMs: nowMs });
      } else if (nowMs - stretch.sinceMs > reading.limitMs) {
        this.#overstayed.set(reading.taskId, reading.limitMs);
        this.#stretches.delete(threadId);
        this.#terminate(threadId);
      }
    }
    if (nowMs > this.#memoryQuietUntilMs && process.memoryUsage.rss() > this.#rssLimitBytes) {
      const heaviest = readings.sort(
        (a, b) =>
          Number(b.reading.busy) - Number(a.reading.busy) ||
          b.reading.externalMb - a.reading.externalMb,
      )[0];
      if (heaviest !== undefined) {
        this.#memoryQuietUntilMs = nowMs + MEMORY_GRACE_MS;
        this.#terminate(heaviest.threadId);
      }
    }
  }
}
