/** One process at a time removes files of a journal folder. */
import { hostname } from 'node:os';
import { RvbbitError } from '../../errors.ts';
import { JOURNAL_LOCK_STALE_MS } from '../../limits.ts';
import { type FileSystem, readAt, writeAll } from './file-system.ts';
import { isRunning } from './segment-name.ts';

const LOCK = 'maintenance.lock';

/** Takes the folder's lock and gives the way to return it. Fails with RVB_RUN_LOCKED. */
export function lockFolder(files: FileSystem, folder: string, nowMs: number): () => void {
  const path = `${folder}/${LOCK}`;
  const own = JSON.stringify({ pid: process.pid, host: hostname() });
  for (let attempt = 0; attempt < 2; attempt += 1) {
    try {
      takeLock(files, path, own);
      return () => files.remove(path);
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown;
    }
    if (attempt > 0 || !removeStale(files, path, nowMs)) break;
  }
  throw new RvbbitError(
    'RVB_RUN_LOCKED',
    `another process compacts or prunes the journal in ${folder}: wait for it; if there is none, remove ${path}`,
    { stage: 'journal' },
  );
}

/** Gives a written file the lock's name, so that a lock always says whose it is. Fails with EEXIST. */
function takeLock(files: FileSystem, path: string, own: string): void {
  const temporary = `${path}.${process.pid}.tmp`;
  files.remove(temporary);
  const file = files.create(temporary);
  try {
    writeAll(files, file, Buffer.from(own));
  } finally {
    files.close(file);
  }
  try {
    files.link(temporary, path);
  } finally {
    files.remove(temporary);
  }
}

/** Removes the lock of a process that is gone; false if it may still run. */
function removeStale(files: FileSystem, path: string, nowMs: number): boolean {
  const facts = files.facts(path);
  if (facts === undefined) return true;
  const holder = readLock(files, path);
  const isGone =
    holder !== undefined && holder.host === hostname()
      ? !isRunning(holder.pid)
      : nowMs - facts.modifiedMs > JOURNAL_LOCK_STALE_MS;
  if (isGone) files.remove(path);
  return isGone;
}

function readLock(
  files: FileSystem,
  path: string,
): { readonly pid: number; readonly host: string } | undefined {
  try {
    const file = files.openToRead(path);
    try {
      const value = JSON.parse(readAt(files, file, 0, 1_000).toString()) as {
        pid: unknown;
        host: unknown;
      };
      return { pid: Number(value.pid), host: String(value.host) };
    } finally {
      files.close(file);
    }
  } catch {
    // Returned meanwhile, or its process died before it was written.
    return undefined;
  }
}
