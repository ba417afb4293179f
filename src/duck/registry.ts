/**
 * Keeps one DuckDB instance per file in the whole process. Opening a file twice in one process succeeds, because file
 * locks are per process, and then silently loses commits. So every engine, session and service of a process shares the
 * instance of this registry.
 */

import { readlink, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { DuckDBInstance } from '@duckdb/node-api';
import { closedError, messageOf, RvbbitError } from '../errors.ts';
import { loadNodeApi } from './node-api.ts';
import { CatalogueWatch } from './read-only/known-catalogue.ts';
import { nativeThreads } from './thread-budget.ts';

/** A share in an instance. The instance closes when its last share is released. */
export interface DatabaseLease {
  readonly instance: DuckDBInstance;
  /** The real path; undefined for an in-memory or handed-in instance. */
  readonly path: string | undefined;
  /** What is known of its catalogue; undefined for a handed-in instance, which others may change unseen. */
  readonly watch: CatalogueWatch | undefined;
  /** The texts that may change data or settings, over all shares; undefined for a handed-in instance. */
  readonly changes: Changes | undefined;
  /** Returns another share in the same instance. Each session holds a share, which keeps the instance open. */
  retain(): DatabaseLease;
  /** Gives this share back. A second call does nothing. */
  release(): Promise<void>;
}

/** Counts of texts. While fewer have ended than begun, some are running. */
export interface Changes {
  begun: number;
  ended: number;
}

/** An instance, and the number of its shares that are not released. */
interface Entry {
  readonly path: string | undefined;
  readonly readOnly: boolean;
  readonly changes: Changes | undefined;
  readonly opening: Promise<DuckDBInstance>;
  /** Device and inode, so that a hard link finds the instance too. */
  fileId?: string | undefined;
  shares: number;
  readonly watch: CatalogueWatch | undefined;
  readonly close: (instance: DuckDBInstance) => void;
}

/**
 * DuckDB's threads work on each statement for a while in turn, so that a long statement does not hold up the others.
 * DuckDB has at least one thread, also under `SET threads = 1`, for statements that no libuv thread works on.
 */
const FAIR = { scheduler_process_partial: 'true', external_threads: '0' };

const entries = new Map<string, Entry>();

/**
 * Opens a database, or joins the instance that already has it open. `:memory:` (and the empty string) gives a new
 * instance each time. A handed-in instance is set to share its threads fairly, and the engine never closes it. With
 * `readOnly`, DuckDB refuses every change to the file, and other processes may read it at the same time. All shares of a
 * file are read-only, or none is. Fails with `RVB_SQL`.
 */
export async function acquireDatabase(
  database: string | DuckDBInstance,
  { readOnly = false }: { readonly readOnly?: boolean | undefined } = {},
): Promise<DatabaseLease> {
  if (readOnly && (typeof database !== 'string' || isInMemory(database))) {
    const what = typeof database === 'string' ? ':memory:' : 'a database instance';
    throw openError(what, 'only a database file can be opened read-only');
  }
  if (typeof database !== 'string') {
    await loadNodeApi();
    await makeFair(database);
    return leaseOf({
      ...memoryEntry(Promise.resolve(database), () => undefined),
      watch: undefined,
      changes: undefined,
    });
  }
  if (database.includes('\0')) throw openError(database, 'the path holds a NUL character');
  if (isInMemory(database)) {
    return leaseOf(memoryEntry(createInstance(':memory:'), (instance) => instance.closeSync()));
  }
  const path = await canonicalPath(database);
  return leaseOf(await fileEntry(path, readOnly));
}

function isInMemory(database: string): boolean {
  return database === '' || database.startsWith(':memory:');
}

function memoryEntry(
  opening: Promise<DuckDBInstance>,
  close: (instance: DuckDBInstance) => void,
): Entry {
  return {
    path: undefined,
    readOnly: false,
    opening,
    shares: 1,
    watch: new CatalogueWatch(),
    changes: { begun: 0, ended: 0 },
    close,
  };
}

async function fileEntry(path: string, readOnly: boolean): Promise<Entry> {
  const fileId = await fileIdOf(path);
  // No await from here on: two simultaneous opens must find the same entry, and a found entry must be counted before
  // its last share can be released.
  const known = entries.get(path) ?? entryWithFile(fileId);
  if (known !== undefined) {
    if (known.readOnly !== readOnly) {
      const how = readOnly ? 'for writing' : 'read-only';
      throw openError(path, `this process has it open ${how} already; close it there first`);
    }
    known.shares += 1;
    return known;
  }
  const entry: Entry = {
    path,
    readOnly,
    changes: { begun: 0, ended: 0 },
    opening: createInstance(path, readOnly ? { access_mode: 'READ_ONLY' } : {}),
    fileId,
    shares: 1,
    watch: new CatalogueWatch(),
    close: (instance) => {
      if (entries.get(path) === entry) entries.delete(path);
      instance.closeSync();
    },
  };
  entries.set(path, entry);
  return entry;
}

function entryWithFile(fileId: string | undefined): Entry | undefined {
  if (fileId === undefined) return undefined;
  return [...entries.values()].find((entry) => entry.fileId === fileId);
}

/** Returns the lease for a share that is already counted. */
async function leaseOf(entry: Entry): Promise<DatabaseLease> {
  try {
    const instance = await entry.opening;
    if (entry.path !== undefined) entry.fileId ??= await fileIdOf(entry.path);
    return new Share(entry, instance);
  } catch (error) {
    entry.shares -= 1;
    if (entry.path !== undefined && entries.get(entry.path) === entry) entries.delete(entry.path);
    throw error;
  }
}

class Share implements DatabaseLease {
  readonly instance: DuckDBInstance;
  readonly path: string | undefined;
  readonly watch: CatalogueWatch | undefined;
  readonly changes: Changes | undefined;
  readonly #entry: Entry;
  #held = true;

  constructor(entry: Entry, instance: DuckDBInstance) {
    this.#entry = entry;
    this.instance = instance;
    this.path = entry.path;
    this.watch = entry.watch;
    this.changes = entry.changes;
  }

  retain(): DatabaseLease {
    if (!this.#held) {
      throw closedError('database');
    }
    this.#entry.shares += 1;
    return new Share(this.#entry, this.instance);
  }

  async release(): Promise<void> {
    if (!this.#held) return;
    this.#held = false;
    this.#entry.shares -= 1;
    if (this.#entry.shares === 0) this.#entry.close(this.instance);
  }
}

async function createInstance(
  path: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<DuckDBInstance> {
  const { DuckDBInstance } = await loadNodeApi();
  try {
    return await nativeThreads.use(() => DuckDBInstance.create(path, { ...FAIR, ...settings }));
  } catch (error) {
    throw openError(path, messageOf(error), error);
  }
}

/** Applies `FAIR` to a handed-in instance. An instance with a locked configuration stays as it is. */
async function makeFair(instance: DuckDBInstance): Promise<void> {
  try {
    const connection = await nativeThreads.use(() => instance.connect());
    try {
      for (const [name, value] of Object.entries(FAIR)) {
        await nativeThreads.use(() => connection.run(`SET GLOBAL ${name} = ${value}`));
      }
    } finally {
      connection.disconnectSync();
    }
  } catch {
    // Statements still run, but a long statement then holds up the others.
  }
}

function openError(path: string, reason: string, cause?: unknown): RvbbitError {
  return new RvbbitError('RVB_SQL', `cannot open the database ${path}: ${adviceFor(reason)}`, {
    stage: 'open',
    cause,
    sqlState: '58030',
  });
}

function adviceFor(reason: string): string {
  if (/lock/i.test(reason)) {
    const holder = /\(PID (\d+)\)/.exec(reason)?.[1];
    const who = holder === undefined ? 'another process' : `another process (PID ${holder})`;
    return `${who} has it open; close it there, or open a copy`;
  }
  if (/not a valid DuckDB database/i.test(reason)) {
    return 'the file is not a DuckDB database; give another path';
  }
  if (/in read-only mode: database does not exist/i.test(reason)) {
    return 'there is no such file, and a database that is opened read-only is not created';
  }
  if (/No such file|does not exist/i.test(reason)) {
    return 'its folder does not exist; create the folder first';
  }
  if (/Permission denied/i.test(reason)) {
    return 'permission denied; check who may write the file and its folder';
  }
  return reason;
}

/** Returns the real path of a file, or of the file that would be created there. Follows symbolic links. */
async function canonicalPath(path: string, hops = 0): Promise<string> {
  if (/^[a-z][a-z0-9]+:/i.test(path)) return path;
  const absolute = resolve(path);
  const real = await realpath(absolute).catch(() => undefined);
  if (real !== undefined) return real;
  const target = await readlink(absolute).catch(() => undefined);
  if (target !== undefined && hops < 40) {
    return canonicalPath(resolve(dirname(absolute), target), hops + 1);
  }
  const folder = await realpath(dirname(absolute)).catch(() => dirname(absolute));
  return join(folder, basename(absolute));
}

async function fileIdOf(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found === undefined ? undefined : `${found.dev}:${found.ino}`;
}
