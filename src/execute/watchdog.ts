/**
 * Ends workers that no longer answer: a synchronous stretch of a row past its limit (an endless
 * loop), an event loop that does not turn (the same after an await), or a process past its memory
 * limit. A deadline inside the worker cannot hold against them, because the worker's own timers do
 * not run meanwhile. It also counts the time in which nothing holds the workers and yet a chunk's answer
 * does not come.
 */
import type { BeaconReading } from '../../workers/beacon.ts';
import { OverdueTasks } from './overdue-tasks.ts';
import type { WorkerLinks } from './worker-links.ts';

/** A worker whose event loop does not turn for this long, while it owes answers, is ended. */
const HEARTBEAT_LOST_MS = 5_000;

/** Reading the resident set costs more than the rest of a look. */
const MEMORY_INTERVAL_MS = 200;
const INTERVAL_MS = 50;
/** Several heartbeats: so often it is seen whether the workers had nothing to do. */
const IDLE_INTERVAL_MS = 500;
/** A worker whose event loop is busy for more than this part of the time has something to do. */
const IDLE_UTILIZATION = 0.5;
/** After ending a worker for its memory, time for the memory to be given back. */
const MEMORY_GRACE_MS = 2_000;
/** Several missed heartbeats: on a busy machine one or two come late. */
const SILENT_AFTER_MS = 400;
/** A worker between two stretches is given at least this long to turn its event loop. */
const SILENCE_MIN_MS = 1_000;

/** A time without progress: no stretch began or ended, and the event loop did not turn. */
interface Standstill {
  readonly sequence: number;
  readonly heartbeat: number;
  readonly sinceMs: number;
}

export class Watchdog {
  readonly #links: WorkerLinks;
  readonly #terminate: (threadId: number) => void;
  readonly #rssLimitBytes: number;
  readonly #standstills = new Map<number, Standstill>();
  /** Limits that rows of these tasks overstayed, until their loss is reported. */
  readonly #overstayed = new Map<number, number>();
  /** Each worker at the last look at whether they are idle. */
  #before = new Map<number, BeaconReading>();
  #beforeMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #memoryLookMs = 0;

  /** Chunks that are out. */
  readonly overdue = new OverdueTasks();

  constructor(links: WorkerLinks, rssLimitBytes: number, terminate: (threadId: number) => void) {
    this.#links = links;
    this.#rssLimitBytes = rssLimitBytes;
    this.#terminate = terminate;
  }

  /** Watches while chunks are out. */
  start(): void {
    if (this.#timer !== undefined) return;
    this.#before.clear();
    this.#beforeMs = performance.now();
    this.#timer = setInterval(() => this.#look(), INTERVAL_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#standstills.clear();
  }

  /** Nothing has moved in this worker for a while. */
  isSilent(threadId: number): boolean {
    const standstill = this.#standstills.get(threadId);
    return standstill !== undefined && performance.now() - standstill.sinceMs > SILENT_AFTER_MS;
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
      const { sequence, heartbeat } = reading;
      const standstill = this.#standstills.get(threadId);
      if (standstill?.sequence !== sequence || standstill.heartbeat !== heartbeat) {
        this.#standstills.set(threadId, { sequence, heartbeat, sinceMs: nowMs });
      } else if (nowMs - standstill.sinceMs > patienceMs(reading)) {
        this.#overstayed.set(reading.taskId, patienceMs(reading));
        this.#standstills.delete(threadId);
        this.#terminate(threadId);
      }
    }
    if (nowMs - this.#beforeMs >= IDLE_INTERVAL_MS) this.#countIdle(nowMs, readings);
    if (nowMs < this.#memoryLookMs) return;
    this.#memoryLookMs = nowMs + MEMORY_INTERVAL_MS;
    if (process.memoryUsage.rss() > this.#rssLimitBytes) {
      const heaviest = readings.sort(
        (a, b) =>
          Number(b.reading.busy) - Number(a.reading.busy) ||
          b.reading.externalMb - a.reading.externalMb,
      )[0];
      if (heaviest !== undefined) {
        this.#memoryLookMs = nowMs + MEMORY_GRACE_MS;
        this.#terminate(heaviest.threadId);
      }
    }
  }

  /** The time since the last look counts if every worker was idle in it. */
  #countIdle(nowMs: number, readings: ReturnType<WorkerLinks['readings']>): void {
    const ms = Math.min(nowMs - this.#beforeMs, 2 * IDLE_INTERVAL_MS);
    const areIdle = readings.every(({ threadId, reading }) =>
      wasIdle(this.#before.get(threadId), reading),
    );
    this.#before = new Map(readings.map(({ threadId, reading }) => [threadId, reading]));
    this.#beforeMs = nowMs;
    if (!areIdle || readings.length === 0) return;
    this.overdue.pass(ms, (statementId) => this.#links.waitsForPermit(statementId));
  }
}

/** No code ran between two readings, and the event loop turned. */
function wasIdle(before: BeaconReading | undefined, { busy, sequence, ...now }: BeaconReading) {
  const isSame = before?.sequence === sequence && before.heartbeat !== now.heartbeat;
  return isSame && !busy && now.utilization < IDLE_UTILIZATION;
}

/** How long a worker may stand still: what its row may take, or, before the first row, the time to make a cascade ready. */
function patienceMs({ busy, limitMs }: BeaconReading): number {
  if (busy) return limitMs;
  return limitMs === 0 ? HEARTBEAT_LOST_MS : Math.max(SILENCE_MIN_MS, limitMs);
}
