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
  let release: (() => void) | undefined;
  try {
    while (!isDone(pending) && signal?.aborted !== true) {
      release = executions.tryAcquire();
      if (release !== undefined) break;
      await sleep(POLL_MS);
    }
    // Told to stop, it says so here.
    const result = await nativeThreads.use(() => pending.getResult());
    return result as DuckDBMaterializedResult;
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
