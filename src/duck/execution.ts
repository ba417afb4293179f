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
} from '@duckdb/node-api';
import type { PendingResult } from '@duckdb/node-bindings';
import { nodeBindings } from './node-api.ts';
import { executions, nativeThreads } from './thread-budget.ts';

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
      // DuckDB says it in other words of a prepared statement.
      if (count === 1 && statement.parameterCount > 0) return await call(() => connection.run(sql));
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
    (await inOneCall(() => statement.run(), signal)) ?? (await inSteps(statement.start(), signal))
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

/** Waits until DuckDB's threads are done with it, or one of libuv's may go on with it. */
async function inSteps(
  pending: DuckDBPendingResult,
  signal: AbortSignal | undefined,
): Promise<DuckDBMaterializedResult> {
  const { pending_error } = nodeBindings();
  let release: (() => void) | undefined;
  let failure = '';
  try {
    while (signal?.aborted !== true) {
      if (isDone(pending)) {
        failure = pending_error(handleOf(pending));
        break;
      }
      release = executions.tryAcquire();
      if (release !== undefined) break;
      await sleep(POLL_MS);
    }
    // Told to stop, it says so here. One that has failed is freed here, and fails again in other words.
    const result = await nativeThreads.use(() => pending.getResult());
    return result as DuckDBMaterializedResult;
  } catch (error) {
    throw failure === '' ? error : new Error(failure, { cause: error });
  } finally {
    release?.();
  }
}

/**
 * Whether it has ended, well or not, for which DuckDB has one state, ERROR. RESULT_READY is said of one that waits for
 * something. node-api knows no way to ask without working on it.
 */
function isDone(pending: DuckDBPendingResult): boolean {
  const { pending_execute_check_state, PendingState } = nodeBindings();
  return pending_execute_check_state(handleOf(pending)) === PendingState.ERROR;
}

function handleOf(pending: DuckDBPendingResult): PendingResult {
  return (pending as unknown as { readonly pending_result: PendingResult }).pending_result;
}
