/** The owner of a lock, and whether that process still runs. */
import { hostname } from 'node:os';
import { isAlive, processIdentity } from './process-facts.ts';

/** The process that holds a lock, as the lock file names it. */
export interface LockOwner {
  readonly pid: number;
  readonly host: string;
  /** Distinguishes this process from a later process with the same pid. Absent if the system does not provide it. */
  readonly identity?: string;
}

/** Returns this process as a lock owner. */
export function ownLock(): LockOwner {
  const identity = processIdentity(process.pid);
  return {
    pid: process.pid,
    host: hostname(),
    ...(identity === undefined ? {} : { identity }),
  };
}

/** Returns the owner that the text of a lock file names; undefined if the text names no owner, or not yet. */
export function readOwner(text: string): LockOwner | undefined {
  try {
    const { pid, host, identity } = JSON.parse(text) as Record<string, unknown>;
    // A signal to pid 0 or to a negative pid goes to a whole process group.
    if (!Number.isSafeInteger(pid) || (pid as number) <= 0) return undefined;
    if (typeof host !== 'string') return undefined;
    return {
      pid: pid as number,
      host,
      ...(typeof identity === 'string' ? { identity } : {}),
    };
  } catch {
    return undefined;
  }
}

/** Returns true if the owner still runs; undefined if the owner is a process of another machine. */
export function isRunning({ pid, host, identity }: LockOwner): boolean | undefined {
  if (host !== hostname()) return undefined;
  // In a container a restarted process may have the pid of the process that died.
  return isAlive(pid) && (identity === undefined || identity === processIdentity(pid));
}
