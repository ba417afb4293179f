/**
 * Ends workers that no longer answer. The causes are a row's synchronous code that runs past its limit (an endless
 * loop), an event loop that does not turn (the same after an await), or a process past its memory limit. A deadline
 * inside the worker does not help, because the worker's own timers do not run meanwhile. The watchdog also counts the
 * time in which all workers are idle and yet a chunk's answer does not come.
 */
import type { BeaconReading } from '../../workers/beacon.ts';
import { OverdueTasks } from './overdue-tasks.ts';
import type { WorkerLinks } from './worker-links.ts';

/** A worker that has not run a row yet is ended if its event loop does not turn for this long while chunks are in flight. */
const HEARTBEAT_LOST_MS = 5_000;

/** The time between two readings of the process's memory. A reading costs more than the rest of a check. */
const MEMORY_INTERVAL_MS = 200;
const INTERVAL_MS = 50;
/** The time between two checks whether the workers were idle. It is longer than several heartbeats. */
const IDLE_INTERVAL_MS = 500;
/** A worker whose event loop is busy for this part of the time or more is not idle. */
const IDLE_UTILIZATION = 0.5;
/** After a worker was ended for its memory, the next memory check waits this long for the memory to be given back. */
const MEMORY_GRACE_MS = 2_000;
/**
 * A worker without progress for this long is silent. It has missed several heartbeats: on a busy machine one or two
 * come late.
 */
const SILENT_AFTER_MS = 400;
/** A worker that runs no code of a row gets at least this long to turn its event loop. */
const SILENCE_MIN_MS = 1_000;

/** A time without progress: no row's code began or ended a synchronous stretch, and the event loop did not turn. */
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
  /** By task id: the limit that the task's worker exceeded, in milliseconds, until the loss of the task is reported. */
  readonly #overstayed = new Map<number, number>();
  /** The reading of each worker at the last idle check, by thread id. */
  #before = new Map<number, BeaconReading>();
  #beforeMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #memoryLookMs = 0;

  /** The chunks in flight. */
  readonly overdue = new OverdueTasks();

  constructor(links: WorkerLinks, rssLimitBytes: number, terminate: (threadId: number) => void) {
    this.#links = links;
    this.#rssLimitBytes = rssLimitBytes;
    this.#terminate = terminate;
  }

  /** Starts to watch. The watchdog runs only while chunks are in flight. */
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

  /** Whether this worker has made no progress for more than `SILENT_AFTER_MS`. */
  isSilent(threadId: number): boolean {
    const standstill = this.#standstills.get(threadId);
    return standstill !== undefined && performance.now() - standstill.sinceMs > SILENT_AFTER_MS;
  }

  /**
   * Returns and forgets the limit, in milliseconds, for which the task's worker was ended; undefined if it was not
   * ended so.
   */
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
    if (residentBytes() > this.#rssLimitBytes) {
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

  /** Counts the time since the last idle check if every worker was idle in it. */
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

/** Whether no row's code ran between two readings, and the event loop turned. */
function wasIdle(before: BeaconReading | undefined, { busy, sequence, ...now }: BeaconReading) {
  const isSame = before?.sequence === sequence && before.heartbeat !== now.heartbeat;
  return isSame && !busy && now.utilization < IDLE_UTILIZATION;
}

/**
 * Returns how long a worker may make no progress: its row's time limit, or, before its first row, the time to prepare
 * a cascade.
 */
function patienceMs({ busy, limitMs }: BeaconReading): number {
  if (busy) return limitMs;
  return limitMs === 0 ? HEARTBEAT_LOST_MS : Math.max(SILENCE_MIN_MS, limitMs);
}

/** Returns the memory of the process; 0 if the process has no descriptor left to read it with. */
function residentBytes(): number {
  try {
    return process.memoryUsage.rss();
  } catch {
    return 0;
  }
}
