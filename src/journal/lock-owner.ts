/** Whose a lock is, and whether that process still runs. */
import { hostname } from 'node:os';
import { isAlive, processIdentity } from './process-facts.ts';

/** The process that has taken a lock, as its file names it. */
export interface LockOwner {
  readonly pid: number;
  readonly host: string;
  /** Tells the process from a later one of its number; absent where the system does not say. */
  readonly identity?: string;
}

/** This process. */
export function ownLock(): LockOwner {
  const identity = processIdentity(process.pid);
  return {
    pid: process.pid,
    host: hostname(),
    ...(identity === undefined ? {} : { identity }),
  };
}

/** The owner that a lock's file names; undefined where it names none (yet). */
export function readOwner(text: string): LockOwner | undefined {
  try {
    const { pid, host, identity } = JSON.parse(text) as Record<string, unknown>;
    // Signals to 0 and to numbers below it go to whole groups of processes.
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

/** Whether the owner still runs; undefined where it is a process of another machine. */
export function isRunning({ pid, host, identity }: LockOwner): boolean | undefined {
  if (host !== hostname()) return undefined;
  // In a container a restarted process has the number of the one that died.
  return isAlive(pid) && (identity === undefined || identity === processIdentity(pid));
}
