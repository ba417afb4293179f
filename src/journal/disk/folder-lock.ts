/** One process at a time removes files of a journal folder. */
import { randomUUID } from 'node:crypto';
import { RvbbitError } from '../../errors.ts';
import { JOURNAL_LOCK_STALE_MS, JOURNAL_TAKEOVER_MS } from '../../limits.ts';
import { isRunning, type LockOwner, ownLock, readOwner } from '../lock-owner.ts';
import { type FileSystem, readAt, writeAll } from './file-system.ts';

const LOCK = 'maintenance.lock';

/** Takes the folder's lock and gives the way to return it. Fails with RVB_RUN_LOCKED. */
export function lockFolder(files: FileSystem, folder: string, nowMs: number): () => void {
  const path = `${folder}/${LOCK}`;
  for (let attempt = 0; attempt < 2; attempt += 1) {
    if (takeLock(files, path)) return () => files.remove(path);
    if (attempt > 0 || !removeStale(files, path, nowMs)) break;
  }
  throw new RvbbitError(
    'RVB_RUN_LOCKED',
    `another process compacts or prunes the journal in ${folder}: wait for it; if there is none, remove ${path}`,
    { stage: 'journal' },
  );
}

/**
 * Gives a written file the lock's name, so that a lock says whose it is; false where there is one. On a full disk
 * it cannot say so, and counts as that of another machine: what prunes must be able to make room.
 */
function takeLock(files: FileSystem, path: string): boolean {
  // Containers that share the folder may have the same number.
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    const file = files.create(temporary);
    try {
      writeAll(files, file, Buffer.from(JSON.stringify(ownLock())));
    } catch (thrown) {
      if (!isDiskFull(thrown)) throw thrown;
    } finally {
      files.close(file);
    }
    files.link(temporary, path);
    return true;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown;
    return false;
  } finally {
    files.remove(temporary);
  }
}

function isDiskFull(thrown: unknown): boolean {
  const { code } = thrown as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/**
 * Removes the lock of a process that is gone; false if it may still run. Two that find the same lock stale must
 * not both remove what is there, or the second would remove the lock that the first then takes: the right to
 * remove is a lock too, and the lock is judged under it.
 */
function removeStale(files: FileSystem, path: string, nowMs: number): boolean {
  const right = `${path}.takeover`;
  const facts = files.facts(right);
  // Held for some file operations; who died at them must not hold it for ever.
  if (facts !== undefined && nowMs - facts.modifiedMs > JOURNAL_TAKEOVER_MS) files.remove(right);
  if (!takeLock(files, right)) return false;
  try {
    if (!isStale(files, path, nowMs)) return false;
    files.remove(path);
    return true;
  } finally {
    files.remove(right);
  }
}

function isStale(files: FileSystem, path: string, nowMs: number): boolean {
  const facts = files.facts(path);
  // Returned meanwhile.
  if (facts === undefined) return true;
  const owner = ownerOf(files, path);
  const isHeld = owner === undefined ? undefined : isRunning(owner);
  return isHeld === undefined ? nowMs - facts.modifiedMs > JOURNAL_LOCK_STALE_MS : !isHeld;
}

function ownerOf(files: FileSystem, path: string): LockOwner | undefined {
  try {
    const file = files.openToRead(path);
    try {
      return readOwner(readAt(files, file, 0, 1_000).toString());
    } finally {
      files.close(file);
    }
  } catch {
    // Returned meanwhile.
    return undefined;
  }
}
