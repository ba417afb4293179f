/**
 * Each call into DuckDB holds a thread of libuv's pool until it returns; with all of them held, files,
 * DNS and every other native call of the process wait (measured: 1.3 s for a one-line read). So the
 * process as a whole leaves one of them free, and one more for calls that are short.
 */

import { Semaphore } from '../util/semaphore.ts';
import { ExecutionSlots } from './execution-slots.ts';

const LIBUV_DEFAULT_THREADS = 4;

/** How many calls may be in flight: one fewer than libuv has threads, and at least one. */
export function threadBudget(setting: string | undefined): number {
  const threads = Number(setting);
  const size = Number.isInteger(threads) && threads > 0 ? threads : LIBUV_DEFAULT_THREADS;
  return Math.max(1, size - 1);
}

const budget = threadBudget(process.env['UV_THREADPOOL_SIZE']);

/** The process-wide permits, from `UV_THREADPOOL_SIZE` as it stood at the first import. */
export const nativeThreads: Semaphore = new Semaphore(budget);

/** Of these, how many may run a statement to its end, which can take any time. */
export const executions: ExecutionSlots = new ExecutionSlots(Math.max(1, budget - 1));
