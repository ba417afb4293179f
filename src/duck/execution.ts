/**
 * Runs DuckDB statements so that long statements do not stop the process.
 *
 * A statement that runs in one call holds a thread of libuv's pool until it ends. Only a limited number of statements
 * may do so. The others are only started: DuckDB's own threads run them, and the engine polls them every millisecond.
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
import type { AtEnd } from './interruptible.ts';
import { nodeApi, nodeBindings } from './node-api.ts';
import { executions, nativeThreads } from './thread-budget.ts';

/** The text that DuckDB puts before the error of a statement that failed before its result was requested. */
const OF_PENDING =
  /^Invalid Input Error: Attempting to execute an unsuccessful or closed pending query result\nError: /;
/** The interval at which a started statement is polled. */
const POLL_MS = 1;

/** A text that is one statement for certain: it has no semicolon but at its end, and is no PIVOT, of which DuckDB makes several. */
const ONE_STATEMENT =
  /^\s*(?:select|from|with|values|insert|update|delete|begin|commit|rollback|set)\b[^;]*;?\s*$/i;

/** True for a text that DuckDB need not take apart to know that it is one statement. */
export function isOneStatement(sql: string): boolean {
  return ONE_STATEMENT.test(sql) && !/pivot/i.test(sql);
}

/**
 * Runs all statements of a text and returns the last one's result. (node-api's `run` returns the first one's.) If one
 * of several fails, `atEnd` ends the transaction that they began: DuckDB reads CREATE TABLE … AS PIVOT as four
 * statements, of which the first is a BEGIN. A transaction that was open before stays open.
 */
export async function runText(
  connection: DuckDBConnection,
  sql: string,
  signal?: AbortSignal,
  atEnd?: AtEnd,
): Promise<DuckDBMaterializedResult> {
  const call = <T>(work: () => Promise<T>) => nativeThreads.use(work, signal);
  const isOne = isOneStatement(sql);
  const early = isOne ? await inOneCall(sql, () => connection.run(sql), signal) : undefined;
  if (early !== undefined) return early;
  // A text that is empty or does not parse goes to `run` as it is, because the error of `run` is better.
  const statements = await call(() => connection.extractStatements(sql)).catch(() => undefined);
  const count = statements?.count ?? 0;
  if (statements === undefined || count === 0) return call(() => connection.run(sql));
  if (count === 1 && !isOne) {
    const whole = await inOneCall(sql, () => connection.run(sql), signal);
    if (whole !== undefined) return whole;
  }
  let hasBegun = false;
  try {
    for (let index = 0; ; index += 1) {
      // Each statement is prepared just before it runs, because it may need what the previous statement created.
      const statement = await call(() => statements.prepare(index));
      try {
        // `run` reports the unbound parameters; a prepared statement would report them in other words.
        if (count === 1 && statement.parameterCount > 0) {
          return await call(() => connection.run(sql));
        }
        const result = await runPrepared(statement, sql, signal);
        if (index === count - 1) return result;
        hasBegun ||= index === 0 && statement.statementType === nodeApi().StatementType.TRANSACTION;
      } finally {
        statement.destroySync();
      }
    }
  } catch (thrown) {
    if (hasBegun) atEnd?.(() => nativeThreads.use(() => connection.run('ROLLBACK')));
    throw thrown;
  }
}

/** Runs a prepared statement whose parameters are bound. */
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

/** Runs `work` in one call. Returns undefined, without running it, if the statement gets no execution slot. */
async function inOneCall<T>(
  sql: string,
  work: () => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T | undefined> {
  const release = await executions.acquireSoon(sql);
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

/**
 * Finishes a started statement and returns its result; the result of a stream has only its first rows yet. Waits until
 * DuckDB's threads are done, or until the statement gets an execution slot and continues on a libuv thread.
 */
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
      // An interrupted statement throws here. A failed statement is freed here, and throws a different message.
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
 * True if the statement has ended. DuckDB has one state, ERROR, for a statement that succeeded or failed. A statement
 * that waits, as a stream does for its reader, is RESULT_READY. node-api has no call that asks without working on it.
 */
function isDone(pending: DuckDBPendingResult, isStream: boolean): boolean {
  const { pending_execute_check_state, PendingState } = nodeBindings();
  const state = pending_execute_check_state(handleOf(pending));
  return state === PendingState.ERROR || (isStream && state === PendingState.RESULT_READY);
}

function handleOf(pending: DuckDBPendingResult): PendingResult {
  return (pending as unknown as { readonly pending_result: PendingResult }).pending_result;
}
