/**
 * Each call into DuckDB holds a thread of libuv's pool until it returns. While all threads are held, files, DNS and
 * every other native call of the process wait (measured: 1.3 s for a one-line read). So the process as a whole leaves
 * one thread free, and keeps one more for short calls.
 */

import { Semaphore } from '../util/semaphore.ts';
import { ExecutionSlots } from './execution-slots.ts';

const LIBUV_DEFAULT_THREADS = 4;

/** Returns the number of calls that may be in flight: one fewer than libuv has threads, and at least one. */
export function threadBudget(setting: string | undefined): number {
  const threads = Number(setting);
  const size = Number.isInteger(threads) && threads > 0 ? threads : LIBUV_DEFAULT_THREADS;
  return Math.max(1, size - 1);
}

const budget = threadBudget(process.env['UV_THREADPOOL_SIZE']);

/** The process-wide permits for calls into DuckDB, from `UV_THREADPOOL_SIZE` as it was at the first import. */
export const nativeThreads: Semaphore = new Semaphore(budget);

/** The slots for calls that run a statement to its end, however long that takes: one fewer than the permits, or one. */
export const executions: ExecutionSlots = new ExecutionSlots(Math.max(1, budget - 1));
