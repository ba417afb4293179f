/** Runs a DuckDB call so that abort signals can end it. */

import type { DuckDBConnection } from '@duckdb/node-api';
import { ABORT_SETTLE_MS } from '../limits.ts';

/** The interval between repeated interrupts. An interrupt that comes before the query starts is lost. */
const INTERRUPT_REPEAT_MS = 5;

/** Registers what is to be done on the connection once `work` has settled and nothing interrupts it any more. */
export type AtEnd = (cleanUp: () => Promise<unknown>) => void;

/**
 * Runs `work` on a connection. When a signal aborts, interrupts the connection again and again until `work` settles.
 * `work` gets a signal that aborts with the first of `signals`. `settled` resolves when the connection is free.
 * `outcome` settles with `work`, or rejects with the error of `abortError` if `work` has not settled
 * `ABORT_SETTLE_MS` after the abort.
 */
export function runInterruptibly<T>(
  connection: DuckDBConnection,
  work: (stop: AbortSignal, atEnd: AtEnd) => Promise<T>,
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

  const cleanUps: (() => Promise<unknown>)[] = [];
  const start = async () => {
    if (aborted()) throw abortError();
    return work(stop.signal, (cleanUp) => cleanUps.push(cleanUp));
  };
  // Work that has succeeded in spite of an abort has succeeded: what it has written is there.
  const running = start().catch((error: unknown) => {
    throw aborted() ? abortError(error) : error;
  });
  const settled = running
    .then(
      () => undefined,
      () => undefined,
    )
    .then(async () => {
      clearInterval(repeat);
      clearTimeout(giveUp);
      for (const signal of signals) signal.removeEventListener('abort', onAbort);
      for (const cleanUp of cleanUps) await cleanUp().catch(() => undefined);
    });
  return { outcome: Promise.race([running, late]), settled };
}
