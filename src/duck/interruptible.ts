/** Running a DuckDB call so that signals can end it. */

import type { DuckDBConnection } from '@duckdb/node-api';
import { ABORT_SETTLE_MS } from '../limits.ts';

/** How often an interrupt is repeated: one that comes before the query has started is lost. */
const INTERRUPT_REPEAT_MS = 5;

/**
 * Runs `work` on a connection and interrupts it when a signal aborts, again and again until it settles.
 * `work` has a signal of its own, which aborts with the first of them.
 * `settled` resolves when the connection is free. `outcome` settles with it, or rejects with what
 * `abortError` makes once `ABORT_SETTLE_MS` have passed since the abort.
 */
export function runInterruptibly<T>(
  connection: DuckDBConnection,
  work: (stop: AbortSignal) => Promise<T>,
  signals: readonly AbortSignal[],
  abortError: (cause?: unknown) => Error,
): { readonly outcome: Promise<T>; readonly settled: Promise<void> } {
  let repeat: NodeJS.Timeout | undefined;
  let giveUp: NodeJS.Timeout | undefined;
  let rejectLate: (error: Error) => void = () => undefined;
  const late = new Promise<never>((_, reject) => {
    rejectLate = reject;
  });
  late.catch(() => undefined);

  const stop = new AbortController();
  const onAbort = () => {
    if (repeat !== undefined) return;
    stop.abort();
    connection.interrupt();
    repeat = setInterval(() => connection.interrupt(), INTERRUPT_REPEAT_MS);
    giveUp = setTimeout(() => rejectLate(abortError()), ABORT_SETTLE_MS);
  };
  for (const signal of signals) signal.addEventListener('abort', onAbort, { once: true });
  const aborted = () => signals.some((signal) => signal.aborted);
  if (aborted()) onAbort();

  const running = work(stop.signal).then(
    (value) => {
      if (aborted()) throw abortError();
      return value;
    },
    (error: unknown) => {
      throw aborted() ? abortError(error) : error;
    },
  );
  const settled = running
    .then(
      () => undefined,
      () => undefined,
    )
    .then(() => {
      clearInterval(repeat);
      clearTimeout(giveUp);
      for (const signal of signals) signal.removeEventListener('abort', onAbort);
    });
  return { outcome: Promise.race([running, late]), settled };
}
