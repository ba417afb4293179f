/**
 * Running statements of DuckDB so that long ones do not stop the process.
 *
 * A statement that runs in one call holds a thread of libuv's pool until it ends. Only so many may; the others are
 * started, worked on by DuckDB's own threads, and asked every millisecond whether they are done.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type {
  DuckDBConnection,
  DuckDBMaterializedResult,
  DuckDBPendingResult,
  DuckDBPreparedStatement,
  DuckDBResult,
} from '@duckdb/node-api';
import type { PendingResult } from '@duckdb/node-bindings';
import { messageOf, RvbbitError } from '../errors.ts';
import { nodeBindings } from './node-api.ts';
import { executions, nativeThreads } from './thread-budget.ts';

/** What DuckDB puts before the error of a statement that failed before its result was asked for. */
const OF_PENDING =
  /^Invalid Input Error: Attempting to execute an unsuccessful or closed pending query result\nError: /;
/** How often a started statement is asked. */
const POLL_MS = 1;

/** Runs a text's statements and gives the last one's result, where node-api's `run` gives the first's. */
export async function runText(
  connection: DuckDBConnection,
  sql: string,
  signal?: AbortSignal,
): Promise<DuckDBMaterializedResult> {
  const call = <T>(work: () => Promise<T>) => nativeThreads.use(work, signal);
  // A text that does not parse, or is empty, goes to DuckDB as it is: it says the same, and better.
  const statements = await call(() => connection.extractStatements(sql)).catch(() => undefined);
  const count = statements?.count ?? 0;
  if (statements === undefined || count === 0) return call(() => connection.run(sql));
  if (count === 1) {
    const whole = await inOneCall(() => connection.run(sql), signal);
    if (whole !== undefined) return whole;
  }
  for (let index = 0; ; index += 1) {
    // Each is prepared when its turn comes, since it may need what the one before has created.
    const statement = await call(() => statements.prepare(index));
    try {
      const result = await runPrepared(statement, signal);
      if (index === count - 1) return result;
    } finally {
      statement.destroySync();
    }
  }
}

/** Runs a statement whose parameters are bound. */
export async function runPrepared(
  statement: DuckDBPreparedStatement,
  signal?: AbortSignal,
): Promise<DuckDBMaterializedResult> {
  return (
    (await inOneCall(() => statement.run(), signal)) ??
    ((await finishPending(statement.start(), signal)) as DuckDBMaterializedResult)
  );
}

/** Undefined where as many run in one call as may. */
async function inOneCall<T>(
  work: () => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T | undefined> {
  const release = executions.tryAcquire();
  if (release === undefined) return undefined;
  try {
    return await nativeThreads.use(work, signal);
  } finally {
    release();
  }
}

/** Its result, or the first rows of it where it streams, once DuckDB's threads are done with it or one of libuv's may go on with it. */
export async function finishPending(
  pending: DuckDBPendingResult,
  signal?: AbortSignal,
): Promise<DuckDBResult> {
  let release: (() => void) | undefined;
  try {
    while (!isDone(pending) && signal?.aborted !== true) {
      release = executions.tryAcquire();
      if (release !== undefined) break;
      await sleep(POLL_MS);
    }
    // Told to stop, it says so here.
    return await nativeThreads.use(() => pending.getResult());
  } catch (thrown) {
    if (thrown instanceof RvbbitError) throw thrown;
    throw new Error(messageOf(thrown).replace(OF_PENDING, ''));
  } finally {
    release?.();
  }
}

/** With an error too, which the result throws. node-api knows no way to ask without working on it. */
function isDone(pending: DuckDBPendingResult): boolean {
  const { pending_execute_check_state, PendingState } = nodeBindings();
  const { pending_result } = pending as unknown as { readonly pending_result: PendingResult };
  const state = pending_execute_check_state(pending_result);
  return state === PendingState.RESULT_READY || state === PendingState.ERROR;
}
