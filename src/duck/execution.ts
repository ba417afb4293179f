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
    const whole = await inOneCall(sql, () => connection.run(sql), signal);
    if (whole !== undefined) return whole;
  }
  for (let index = 0; ; index += 1) {
    // Each is prepared when its turn comes, since it may need what the one before has created.
    const statement = await call(() => statements.prepare(index));
    try {
      // DuckDB says it in other words of a prepared statement.
      if (count === 1 && statement.parameterCount > 0) return await call(() => connection.run(sql));
      const result = await runPrepared(statement, sql, signal);
      if (index === count - 1) return result;
    } finally {
      statement.destroySync();
    }
  }
}

/** Runs a statement whose parameters are bound. */
export async function runPrepared(
  statement: DuckDBPreparedStatement,
  sql: string,
  signal?: AbortSignal,
): Promise<DuckDBMaterializedResult> {
  return (
    (await inOneCall(sql, () => statement.run(), signal)) ??
    ((await finishPending(statement.start(), sql, signal)) as DuckDBMaterializedResult)
  );
}

/** Undefined where as many run in one call as may. */
async function inOneCall<T>(
  sql: string,
  work: () => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T | undefined> {
  const release = executions.tryAcquire(sql);
  if (release === undefined) return undefined;
  const startMs = performance.now();
  try {
    return await nativeThreads.use(work, signal);
  } finally {
    release();
    const ms = performance.now() - startMs;
    executions.learn(sql, { atLeastMs: ms, atMostMs: ms });
  }
}

/** Its result, or the first rows of it where it streams, once DuckDB's threads are done with it or one of libuv's may go on with it. */
export async function finishPending(
  pending: DuckDBPendingResult,
  sql: string,
  signal?: AbortSignal,
  { isStream = false }: { readonly isStream?: boolean } = {},
): Promise<DuckDBResult> {
  const { pending_error } = nodeBindings();
  const startMs = performance.now();
  const waitedMs = () => performance.now() - startMs;
  let heldMs = 0;
  let release: (() => void) | undefined;
  let failure = '';
  try {
    while (signal?.aborted !== true) {
      if (isDone(pending, isStream)) {
        failure = pending_error(handleOf(pending));
        break;
      }
      release = executions.tryAcquire(sql, waitedMs());
      if (release !== undefined) break;
      await sleep(POLL_MS);
    }
    const heldFromMs = performance.now();
    try {
      // Told to stop, it says so here. One that has failed is freed here, and fails again in other words.
      return await nativeThreads.use(() => pending.getResult());
    } finally {
      heldMs = performance.now() - heldFromMs;
    }
  } catch (error) {
    if (error instanceof RvbbitError) throw error;
    const message = failure === '' ? messageOf(error).replace(OF_PENDING, '') : failure;
    throw new Error(message, { cause: error });
  } finally {
    release?.();
    executions.learn(sql, { atLeastMs: heldMs, atMostMs: waitedMs() });
  }
}

/**
 * Whether it has ended, well or not, for which DuckDB has one state, ERROR. RESULT_READY is said of one that waits for
 * something, as a stream does for a reader. node-api knows no way to ask without working on it.
 */
function isDone(pending: DuckDBPendingResult, isStream: boolean): boolean {
  const { pending_execute_check_state, PendingState } = nodeBindings();
  const state = pending_execute_check_state(handleOf(pending));
  return state === PendingState.ERROR || (isStream && state === PendingState.RESULT_READY);
}

function handleOf(pending: DuckDBPendingResult): PendingResult {
  return (pending as unknown as { readonly pending_result: PendingResult }).pending_result;
}
