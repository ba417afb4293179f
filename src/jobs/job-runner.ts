/** Runs the jobs of an engine's database: takes them up one after another, and ends, pauses or cancels them. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  cancelledError,
  closedError,
  type Failure,
  failureOf,
  messageOf,
  RvbbitError,
} from '../errors.ts';
import { type LockOwner, ownLock } from '../journal/lock-owner.ts';
import { lockRun, type RunLock } from '../journal/run-lock.ts';
import {
  ABORT_SETTLE_MS,
  JOB_LEASE_MS,
  JOB_START_MS,
  JOBS_QUEUED,
  JOBS_RUNNING,
} from '../limits.ts';
import type { Summary } from '../result.ts';
import type { JsonObject } from '../util/json.ts';
import {
  askToCancel,
  endJob,
  findJob,
  hasEnded,
  isAskedToCancel,
  isDatabaseGone,
  type Job,
  type JobEnd,
  type JobFacts,
  type JobProgress,
  type JobSettings,
  pendingJobs,
  readProgress,
  rowsOf,
  writeJob,
  writeProgress,
} from './job-folder.ts';

/** How often a running job renews its lease and looks for a cancel, and somebody who waits looks for its end. */
const LOOK_MS = 100;
/** The longest wait for whoever runs a cancelled job: it looks for the cancel, and the abort settles in a second. */
const CANCEL_MS = 5 * ABORT_SETTLE_MS;
/** How often jobs that another engine runs are looked at: it may have died. */
const HELD_LOOK_MS = 5_000;

/** What a job's statement gave. */
export interface JobOutcome {
  readonly summary: Summary;
  /** The report of a RUN. */
  readonly report?: JsonObject;
}

/** One execution of a job. */
export interface JobExecution {
  readonly job: Job;
  /** The database file with its rows. */
  readonly rows: string;
  readonly isFirst: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: (soFar: Summary) => void;
}

/** The engine, as its jobs see it. */
export interface JobHost {
  readonly stateDir: string;
  /** The database as jobs name it. */
  readonly database: string;
  readonly isInMemory: boolean;
  readonly settings: () => Promise<JobSettings>;
  readonly run: (execution: JobExecution) => Promise<JobOutcome>;
  readonly warn: (message: string) => void;
}

interface Running {
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

export class JobRunner {
  readonly #host: JobHost;
  readonly #running = new Map<string, Running>();
  /** Jobs whose end could not be recorded. This engine takes them up no more. */
  readonly #givenUp = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #dueMs = Infinity;
  #looking: Promise<void> | undefined;
  #isClosed = false;

  constructor(host: JobHost) {
    this.#host = host;
  }

  get stateDir(): string {
    return this.#host.stateDir;
  }

  /** Submits a job. `fill` writes its rows to a file. */
  async submit(
    job: Omit<Job, 'database' | 'owner' | 'createdMs'>,
    fill: (path: string) => Promise<void>,
  ): Promise<JobFacts> {
    const { stateDir, database, isInMemory, settings } = this.#host;
    const owner: { owner?: LockOwner } = isInMemory ? { owner: ownLock() } : {};
    const whole: Job = { ...job, database, ...owner, createdMs: Date.now() };
    const { queued = JOBS_QUEUED } = await settings();
    await writeJob(stateDir, whole, queued, fill);
    this.wake(JOB_START_MS);
    return jobNamed(stateDir, job.id);
  }

  /** Looks for jobs to run in `ms`, or earlier if a look is due before. */
  wake(ms: number): void {
    const dueMs = performance.now() + ms;
    if (this.#isClosed || dueMs >= this.#dueMs) return;
    clearTimeout(this.#timer);
    this.#dueMs = dueMs;
    this.#timer = setTimeout(() => {
      this.#dueMs = Infinity;
      this.#looking = (this.#looking ?? Promise.resolve())
        .then(() => this.#look())
        .catch((thrown: unknown) => this.#host.warn(`jobs: ${messageOf(thrown)}`));
    }, ms).unref();
  }

  /** Stops the running jobs and gives their leases back. Those of a database in memory end with it. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const { stop } of this.#running.values()) stop.abort(closedError());
    await this.#looking;
    await Promise.all([...this.#running.values()].map(({ done }) => done));
    const { stateDir, database, isInMemory, warn } = this.#host;
    const left = pendingJobs(stateDir).filter((job) => job.database === database);
    for (const { id } of left) {
      if (isInMemory) await endUnheld(stateDir, id, databaseGone());
      else warn(`the job ${id} waits for the next engine on its database: rvbbit jobs await ${id}`);
    }
  }

  async #look(): Promise<void> {
    const { stateDir, database, settings } = this.#host;
    const { running = JOBS_RUNNING } = await settings();
    let isHeld = false;
    for (const job of pendingJobs(stateDir)) {
      if (this.#running.has(job.id) || this.#givenUp.has(job.id)) continue;
      if (job.database !== database) {
        if (isDatabaseGone(job)) await endUnheld(stateDir, job.id, databaseGone());
        continue;
      }
      // The end of a job is the next occasion to look.
      if (this.#running.size >= running || this.#isClosed) return;
      isHeld = !(await this.#take(job)) || isHeld;
    }
    if (isHeld) this.wake(HELD_LOOK_MS);
  }

  /** Begins to run a job. Returns false if another engine runs it. */
  async #take(job: Job): Promise<boolean> {
    const { stateDir } = this.#host;
    const lock = await takeLease(stateDir, job.id);
    if (lock === undefined) return false;
    // Another engine may have ended it since it was listed.
    if (this.#isClosed || hasEnded(stateDir, job.id)) {
      lock.release();
      return true;
    }
    const stop = new AbortController();
    const done = this.#run(job, lock, stop)
      .catch((thrown: unknown) => {
        this.#givenUp.add(job.id);
        this.#host.warn(`the job ${job.id} could not record its end: ${messageOf(thrown)}`);
      })
      .finally(() => {
        lock.release();
        this.#running.delete(job.id);
        this.wake(0);
      });
    this.#running.set(job.id, { stop, done });
    return true;
  }

  async #run(job: Job, lock: RunLock, stop: AbortController): Promise<void> {
    const { stateDir, run } = this.#host;
    const { id } = job;
    const begunMs = Date.now();
    const none = { executions: 0, startedMs: begunMs, calls: 0, costMicroUsd: null };
    const before = { ...none, ...readProgress(stateDir, id) };
    const begun: JobProgress = { ...before, executions: before.executions + 1, begunMs, done: 0 };
    // Before the first call: a later execution must know that this one has begun.
    writeProgress(stateDir, id, begun);
    const note = ({ rows, calls, costMicroUsd: cost }: Summary) =>
      writeProgress(stateDir, id, {
        ...begun,
        // A RUN has one run for all its rows.
        done: rows.in === 0 ? 0 : Math.floor((job.rows * (rows.in - rows.notRun)) / rows.in),
        calls: before.calls + calls.sent,
        costMicroUsd: cost === null ? before.costMicroUsd : cost + (before.costMicroUsd ?? 0),
      });
    const watch = setInterval(() => {
      if (isAskedToCancel(stateDir, id)) stop.abort(cancelledError());
      try {
        lock.renew();
      } catch {
        // Another machine took this process for dead, and runs the job now.
        stop.abort(closedError());
      }
    }, LOOK_MS);
    try {
      if (isAskedToCancel(stateDir, id)) throw cancelledError();
      const outcome = await run({
        job,
        rows: rowsOf(stateDir, id),
        isFirst: begun.executions === 1,
        signal: stop.signal,
        onProgress: note,
      });
      note(outcome.summary);
      endJob(stateDir, id, endOf(outcome));
    } catch (thrown) {
      if (thrown instanceof RvbbitError && thrown.summary !== undefined) note(thrown.summary);
      const isCancelled = isAskedToCancel(stateDir, id);
      // An engine that closes leaves the job to the next one.
      if (!isCancelled && stop.signal.aborted) return;
      const failure = failureOf(thrown);
      const isTold = failure.code === 'RVB_CANCELLED';
      if (isCancelled)
        endJob(stateDir, id, isTold ? endedBy('cancelled', failure) : cancelledEnd());
      else endJob(stateDir, id, endedBy('failed', failure));
    } finally {
      clearInterval(watch);
    }
  }
}

/** Waits for the end of a job. Throws RVB_DEADLINE after `timeoutMs`; the job goes on. */
export async function jobEnded(
  stateDir: string,
  id: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<JobFacts> {
  const until = performance.now() + timeoutMs;
  jobNamed(stateDir, id);
  while (!hasEnded(stateDir, id)) {
    if (signal.aborted) throw cancelledError();
    const leftMs = until - performance.now();
    if (leftMs <= 0) {
      const message = `${id} has not ended within ${timeoutMs} ms; it goes on: SHOW RVBBIT JOBS says how far it is`;
      throw new RvbbitError('RVB_DEADLINE', message, { stage: 'execute' });
    }
    await sleep(Math.min(LOOK_MS, leftMs), undefined, { signal }).catch(() => undefined);
  }
  return jobNamed(stateDir, id);
}

/** Cancels a job, wherever it runs. What it has bought stays in the journal. */
export async function cancelJob(
  stateDir: string,
  id: string,
  signal: AbortSignal,
): Promise<JobFacts> {
  const { end } = jobNamed(stateDir, id);
  if (end === undefined) {
    askToCancel(stateDir, id);
    await endUnheld(stateDir, id, cancelledEnd());
    await jobEnded(stateDir, id, CANCEL_MS, signal).catch((thrown: unknown) => {
      if (signal.aborted) throw thrown;
    });
  }
  return jobNamed(stateDir, id);
}

/** Returns what is known of a job. Throws if there is none. */
export function jobNamed(stateDir: string, id: string): JobFacts {
  const facts = findJob(stateDir, id);
  if (facts === undefined) throw noSuchJob(id);
  return facts;
}

/** Returns the error for a name that no job has. */
export function noSuchJob(id: string): RvbbitError {
  const message = `there is no job ${id.slice(0, 80)}; SHOW RVBBIT JOBS lists those that there are`;
  return new RvbbitError('RVB_SQL', message, { stage: 'execute', sqlState: '42704' });
}

async function endUnheld(stateDir: string, id: string, end: JobEnd): Promise<void> {
  const lock = await takeLease(stateDir, id);
  if (lock === undefined) return;
  try {
    if (!hasEnded(stateDir, id)) endJob(stateDir, id, end);
  } finally {
    lock.release();
  }
}

async function takeLease(stateDir: string, id: string): Promise<RunLock | undefined> {
  return lockRun(stateDir, id, JOB_LEASE_MS).catch((thrown: unknown) => {
    if (thrown instanceof RvbbitError && thrown.code === 'RVB_RUN_LOCKED') return undefined;
    throw thrown;
  });
}

/** Returns the end of a job whose statement ran to its end. A failed RUN returns its row. */
function endOf({ summary, report = {} }: JobOutcome): JobEnd {
  const kept = ['outputs', 'tables', 'files'].filter((key) => key in report);
  const told = { report: Object.fromEntries(kept.map((key) => [key, report[key]!])) };
  const failure = report['error'] as unknown as Failure | undefined;
  if (failure !== undefined) return { ...endedBy('failed', failure), ...told };
  if (summary.status === 'complete') return { state: 'success', endedMs: Date.now(), ...told };
  const message = `the job ended early (${summary.reason}): no table was written; submit it again to go on from there`;
  return { ...endedBy('incomplete', { code: 'RVB_BUDGET', message }), ...told };
}

function endedBy(state: JobEnd['state'], error: Failure): JobEnd {
  return { state, endedMs: Date.now(), error };
}

function cancelledEnd(): JobEnd {
  return endedBy('cancelled', failureOf(cancelledError()));
}

function databaseGone(): JobEnd {
  const message =
    'its database was in memory and is gone; a job that goes on needs a database file';
  return endedBy('failed', { code: 'RVB_CLOSED', message });
}
