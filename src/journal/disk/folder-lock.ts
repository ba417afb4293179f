/** A lock, so that only one process at a time removes files of a journal folder. */
import { randomUUID } from 'node:crypto';
import { RvbbitError } from '../../errors.ts';
import { JOURNAL_LOCK_STALE_MS, JOURNAL_TAKEOVER_MS } from '../../limits.ts';
import { isRunning, type LockOwner, ownLock, readOwner } from '../lock-owner.ts';
import { type FileSystem, readAt, writeAll } from './file-system.ts';

const LOCK = 'maintenance.lock';

/** Takes the folder's lock and returns a function that releases it. Fails with RVB_RUN_LOCKED. */
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
 * Takes the lock; returns false if the lock exists. A temporary file with the owner gets the lock's name, so a lock
 * names its owner from its first moment. On a full disk the lock is empty and counts as a lock of another machine:
 * pruning must be able to free space.
 */
function takeLock(files: FileSystem, path: string): boolean {
  // A random name: processes of containers that share the folder may have the same pid.
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
 * Removes the lock of a process that is gone; returns false if that process may still run. If two processes found the
 * same lock stale and both removed it, the second could remove the new lock of the first. So a process first takes a
 * second lock (`.takeover`), and only then checks and removes the first lock.
 */
function removeStale(files: FileSystem, path: string, nowMs: number): boolean {
  const right = `${path}.takeover`;
  const facts = files.facts(right);
  // The second lock is held for a few file operations. An old second lock is left over from a process that died.
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
  // The lock was released meanwhile.
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
    // The lock was released meanwhile.
    return undefined;
  }
}
