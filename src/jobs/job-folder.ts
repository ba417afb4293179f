/** The files of jobs: a folder for each, with what the job is, its rows until it ends, how far it is, and how it ended. */
import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Failure, RvbbitError } from '../errors.ts';
import { isRunning, type LockOwner } from '../journal/lock-owner.ts';
import { isRunLocked } from '../journal/run-lock.ts';
import { JOB_LEASE_MS, JOB_ROWS_MAX_BYTES, JOBS_KEPT } from '../limits.ts';
import type { JsonObject } from '../util/json.ts';

/** How many jobs an engine runs at once, and how many of a state folder may wait or run. */
export interface JobSettings {
  readonly running?: number;
  readonly queued?: number;
}

/** What a job is. It is written once, when the job is submitted. */
export interface Job {
  /** The session of the statement that submitted it, and of its first execution. */
  readonly id: string;
  /** The text of the statement, with its annotations. */
  readonly sql: string;
  /** The real path of the database; of one in memory, a name that only its engine has. */
  readonly database: string;
  /** Of a database in memory: the process that ends with it. */
  readonly owner?: LockOwner;
  /** Who submitted it, as the journal says it. */
  readonly origin: string;
  /** True if it was submitted in a read-only session. It runs in one, too. */
  readonly isReadOnly: boolean;
  readonly createdMs: number;
  /** The number of staged rows, and the name of the column with their order. */
  readonly rows: number;
  readonly ordinal: string;
  /** The table that it makes or, for a RUN, the temp table for its rows. */
  readonly table: string;
  /** The PARALLEL that counted when it was submitted; absent if the statement leaves it to the engine. */
  readonly parallel?: number;
  /** The catalogue and schema in which its names are looked up, and the time zone. */
  readonly place: { readonly catalog: string; readonly schema: string; readonly zone: string };
}

/** How far a job is. Written each second, and when an execution ends. */
export interface JobProgress {
  /** The number of executions begun: each but the first goes on where one before it stopped. */
  readonly executions: number;
  /** When the first execution, and the latest one, began. */
  readonly startedMs: number;
  readonly begunMs: number;
  /** The rows that the latest execution has settled. */
  readonly done: number;
  /** The calls of all executions, and their cost; null if no call has a known price. */
  readonly calls: number;
  readonly costMicroUsd: number | null;
}

/** How a job ended. `report`: what a RUN reports of its cells and tables. */
export interface JobEnd {
  readonly state: 'success' | 'incomplete' | 'failed' | 'cancelled';
  readonly endedMs: number;
  readonly report?: JsonObject;
  readonly error?: Failure;
}

/** What the files say of a job. `queued`: no engine runs it now. */
export interface JobFacts {
  readonly job: Job;
  readonly state: 'queued' | 'running' | JobEnd['state'];
  readonly progress: JobProgress | undefined;
  readonly end: JobEnd | undefined;
}

const ID = /^[a-z]+-[a-z]+-[a-z]+-[0-9a-f]{6}$/;
const NEW = '.new';
/** A folder of a job that was never submitted is left over from a process that died. */
const NEW_STALE_MS = 24 * 3_600_000;

/** The folder with the folders of all jobs. */
function jobsFolder(stateDir: string): string {
  return join(stateDir, 'jobs');
}

/** Whether jobs were ever submitted to a state folder: one look at a directory. */
export function hasJobs(stateDir: string): boolean {
  return jobIds(stateDir).length > 0;
}

/** Returns the jobs of a state folder, the oldest first. */
export function listJobs(stateDir: string): JobFacts[] {
  return jobIds(stateDir)
    .map((id) => findJob(stateDir, id))
    .filter((facts) => facts !== undefined)
    .sort((a, b) => a.job.createdMs - b.job.createdMs);
}

/** Returns the jobs that have not ended, the oldest first. */
export function pendingJobs(stateDir: string): Job[] {
  return jobIds(stateDir)
    .filter((id) => !hasEnded(stateDir, id))
    .map((id) => read(stateDir, id, 'job'))
    .filter((job) => job !== undefined)
    .sort((a, b) => a.createdMs - b.createdMs);
}

/** Returns what is known of a job; undefined if there is none of this name. */
export function findJob(stateDir: string, id: string): JobFacts | undefined {
  if (!ID.test(id)) return undefined;
  const job = read(stateDir, id, 'job');
  if (job === undefined) return undefined;
  const isHeld = isRunLocked(stateDir, id, JOB_LEASE_MS);
  // In this order: a job whose lease is given back may have ended.
  const end = read(stateDir, id, 'end');
  const progress = read(stateDir, id, 'progress');
  return { job, end, progress, state: end?.state ?? (isHeld ? 'running' : 'queued') };
}

/** Returns the one row of a job, as RUN ASYNC, AWAIT and CANCEL return it. */
export function jobRow({ job, state, progress, end }: JobFacts): JsonObject {
  const cost = progress?.costMicroUsd ?? null;
  return {
    status: state === 'queued' ? 'running' : state,
    session_id: job.id,
    table_created: job.table,
    row_count: job.rows,
    ...end?.report,
    cost: cost === null ? null : cost / 1e6,
    ...(end === undefined ? {} : { duration_ms: end.endedMs - job.createdMs }),
    ...(end?.error === undefined ? {} : { error: { ...end.error } }),
  };
}

/** Makes the folder of a job, lets `fill` write its rows, and submits it. Throws RVB_LIMIT if too much is there. */
export async function writeJob(
  stateDir: string,
  job: Job,
  queued: number,
  fill: (path: string) => Promise<void>,
): Promise<void> {
  if (pendingJobs(stateDir).length >= queued) {
    const advice = 'wait for one (RVBBIT AWAIT), cancel one, or allow more (jobs: { queued: … })';
    throw limit(`${queued} jobs have not ended, as many as may wait; ${advice}`);
  }
  forget(stateDir);
  const folder = join(jobsFolder(stateDir), `${job.id}${NEW}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  try {
    const rows = join(folder, 'rows.duckdb');
    await fill(rows);
    chmodSync(rows, 0o600);
    if (statSync(rows).size > JOB_ROWS_MAX_BYTES) {
      const most = `${JOB_ROWS_MAX_BYTES / 2 ** 30} GiB`;
      throw limit(`the rows of a job take at most ${most} on disk; read fewer columns or rows`);
    }
    writeWhole(folder, 'job', job, true);
    renameSync(folder, join(jobsFolder(stateDir), job.id));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The path of the database file with a job's rows. */
export function rowsOf(stateDir: string, id: string): string {
  return join(jobsFolder(stateDir), id, 'rows.duckdb');
}

export function readProgress(stateDir: string, id: string): JobProgress | undefined {
  return read(stateDir, id, 'progress');
}

export function writeProgress(stateDir: string, id: string, progress: JobProgress): void {
  writeWhole(join(jobsFolder(stateDir), id), 'progress', progress, false);
}

export function hasEnded(stateDir: string, id: string): boolean {
  return existsSync(join(jobsFolder(stateDir), id, 'end.json'));
}

/** Records the end of a job, and removes its rows. Only the holder of its lease calls it. */
export function endJob(stateDir: string, id: string, end: JobEnd): void {
  writeWhole(join(jobsFolder(stateDir), id), 'end', end, true);
  dropRows(stateDir, id);
}

/** Asks whoever runs a job to cancel it. */
export function askToCancel(stateDir: string, id: string): void {
  writeFileSync(join(jobsFolder(stateDir), id, 'cancel'), '', { mode: 0o600 });
}

export function isAskedToCancel(stateDir: string, id: string): boolean {
  return existsSync(join(jobsFolder(stateDir), id, 'cancel'));
}

/** True if the database of a job was in the memory of a process that has ended. */
export function isDatabaseGone({ owner }: Job): boolean {
  return owner !== undefined && isRunning(owner) === false;
}

function jobIds(stateDir: string): string[] {
  const folder = jobsFolder(stateDir);
  return existsSync(folder) ? readdirSync(folder).filter((name) => ID.test(name)) : [];
}

/** Removes the oldest ended jobs beyond those that are kept, and what dead processes have left. */
function forget(stateDir: string): void {
  const folder = jobsFolder(stateDir);
  if (!existsSync(folder)) return;
  const names = readdirSync(folder);
  const ages = (of: readonly string[]) =>
    of.flatMap((name) => {
      const facts = statSync(join(folder, name), { throwIfNoEntry: false });
      return facts === undefined ? [] : [{ name, atMs: facts.mtimeMs }];
    });
  const ended = names.filter((name) => ID.test(name) && hasEnded(stateDir, name));
  // A process may have died between the end of a job and the removal of its rows.
  for (const id of ended) dropRows(stateDir, id);
  const gone = [
    ...ages(ended)
      .sort((a, b) => b.atMs - a.atMs)
      .slice(JOBS_KEPT),
    ...ages(names.filter((name) => name.endsWith(NEW))).filter(
      ({ atMs }) => Date.now() - atMs > NEW_STALE_MS,
    ),
  ];
  for (const { name } of gone) rmSync(join(folder, name), { recursive: true, force: true });
}

function dropRows(stateDir: string, id: string): void {
  const path = rowsOf(stateDir, id);
  for (const file of [path, `${path}.wal`]) rmSync(file, { force: true });
}

interface Files {
  readonly job: Job;
  readonly progress: JobProgress;
  readonly end: JobEnd;
}

function read<What extends keyof Files>(
  stateDir: string,
  id: string,
  what: What,
): Files[What] | undefined {
  try {
    const path = join(jobsFolder(stateDir), id, `${what}.json`);
    const value = JSON.parse(readFileSync(path, 'utf8')) as Files[What] | null;
    const isOfJob = what !== 'job' || (value as Job | null)?.id === id;
    return isOfJob ? (value ?? undefined) : undefined;
  } catch {
    // There is no such file, or it was removed meanwhile.
    return undefined;
  }
}

/** Writes a JSON file whole or not at all; with `isSynced`, onto the disk. */
export function writeWhole(folder: string, what: string, value: object, isSynced: boolean): void {
  const path = join(folder, `${what}.json`);
  const temporary = `${path}.${randomUUID()}.tmp`;
  const file = openSync(temporary, 'wx', 0o600);
  try {
    writeFileSync(file, JSON.stringify(value));
    if (isSynced) fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
}

function limit(message: string): RvbbitError {
  return new RvbbitError('RVB_LIMIT', message, { stage: 'execute' });
}
