/** A SELECT whose rows are read while DuckDB still works on it. */
import { setImmediate } from 'node:timers/promises';
import type { DuckDBConnection, DuckDBDataChunk, DuckDBPreparedStatement } from '@duckdb/node-api';
import { messageOf, RvbbitError } from '../errors.ts';
import type { ValueForm } from '../result.ts';
import { type Column, columnsOf } from './columns.ts';
import { finishPending, runPrepared, runText } from './execution.ts';
import { isInTransaction } from './in-transaction.ts';
import { ResultReader, readChunk, type Slice } from './reader.ts';
import { nativeThreads } from './thread-budget.ts';

/** Chunks that are read before somebody asks for them. */
const CHUNKS_AHEAD = 4;

/** The rows come in order, slice by slice; `slices` throws where they are not complete. */
export interface OpenResult {
  readonly columns: readonly Column[];
  slices(form: ValueForm): AsyncGenerator<Slice, void, undefined>;
}

/** Chunks on their way from DuckDB to whoever reads them. */
export class ChunkFeed {
  readonly #chunks: DuckDBDataChunk[] = [];
  #state: 'open' | 'stopping' | 'ended' | 'left' = 'open';
  #error: unknown;
  #change: () => void = () => {};
  #changed = this.#nextChange();

  push(chunk: DuckDBDataChunk): void {
    this.#chunks.push(chunk);
    this.#tell();
  }

  /** All chunks are in. */
  end(): void {
    if (this.#state !== 'left') this.#state = 'ended';
    this.#tell();
  }

  /** No more come: those that are in are not all. */
  fail(error: unknown): void {
    this.#error ??= error;
    this.end();
  }

  /** No more are wanted, and those that are in are not all: `fail` says why. */
  stop(): void {
    if (this.#state === 'open') this.#state = 'stopping';
    this.#tell();
  }

  /** Nobody reads on. */
  leave(): void {
    this.#state = 'left';
    this.#chunks.length = 0;
    this.#tell();
  }

  /** Resolves to true when a chunk is wanted, to false when none will be; `hurry` ends the wait for a reader. */
  async isWanted(hurry: Promise<void>): Promise<boolean> {
    let isHurried = false;
    const hurried = hurry.then(() => {
      isHurried = true;
    });
    while (this.#state === 'open' && !isHurried && this.#chunks.length >= CHUNKS_AHEAD) {
      await Promise.race([this.#changed, hurried]);
    }
    return this.#state === 'open';
  }

  /** The next chunk, or undefined after the last. */
  async next(): Promise<DuckDBDataChunk | undefined> {
    while (this.#chunks.length === 0 && (this.#state === 'open' || this.#state === 'stopping')) {
      await this.#changed;
    }
    const chunk = this.#chunks.shift();
    this.#tell();
    if (chunk === undefined && this.#error !== undefined) throw this.#error;
    return chunk;
  }

  #tell(): void {
    this.#change();
    this.#changed = this.#nextChange();
  }

  #nextChange(): Promise<void> {
    return new Promise((resolve) => {
      this.#change = resolve;
    });
  }
}

/** Reads what is fed; `ended` settles when the connection is free. */
export function openResult(
  columns: readonly Column[],
  feed: ChunkFeed,
  ended: Promise<unknown>,
): OpenResult {
  return {
    columns,
    async *slices(form) {
      try {
        for (let chunk = await feed.next(); chunk !== undefined; chunk = await feed.next()) {
          yield readChunk(chunk, columns.length, form);
          await setImmediate();
        }
      } finally {
        feed.leave();
        await ended.catch(() => undefined);
      }
    },
  };
}

/**
 * Runs a SELECT and feeds its chunks as they are wanted, on a connection that nobody else uses meanwhile. A result that
 * is read while it grows ends at an error or interrupt as if it were complete; what tells it is the transaction, which
 * has then been aborted. So the SELECT gets one where it stands in none.
 */
export async function feedChunks(
  connection: DuckDBConnection,
  statement: DuckDBPreparedStatement,
  sql: string,
  feed: ChunkFeed,
  options: {
    readonly signal?: AbortSignal | undefined;
    /** Once it resolves, all is read into memory: somebody waits for the connection. */
    readonly hurry: Promise<void>;
    readonly onColumns: (columns: readonly Column[]) => void;
  },
): Promise<void> {
  const { signal, hurry, onColumns } = options;
  const run = async (sql: string) => new ResultReader(await runText(connection, sql));
  const isOwn = !(await isInTransaction({ run }));
  if (isOwn) await run('BEGIN TRANSACTION');
  let rows = 0;
  try {
    const result = await finishPending(statement.startStream(), sql, signal, { isStream: true });
    onColumns(columnsOf(result));
    while (await feed.isWanted(hurry)) {
      const chunk = await nativeThreads.use(() => result.fetchChunk(), signal);
      if (chunk === null || chunk.rowCount === 0) break;
      rows += chunk.rowCount;
      feed.push(chunk);
    }
  } catch (thrown) {
    if (isOwn) await run('ROLLBACK').catch(() => undefined);
    throw thrown;
  }
  try {
    // A COMMIT would not say that the transaction was aborted.
    await run('SELECT 1');
    if (isOwn) await run('COMMIT');
  } catch (thrown) {
    if (isOwn) await run('ROLLBACK').catch(() => undefined);
    throw await failureOf(statement, sql, isOwn && signal?.aborted !== true, rows, thrown);
  }
}

/** DuckDB does not say why the rows broke off: the statement is run again for its message. */
async function failureOf(
  statement: DuckDBPreparedStatement,
  sql: string,
  mayRun: boolean,
  rows: number,
  thrown: unknown,
): Promise<unknown> {
  try {
    if (mayRun) await runPrepared(statement, sql);
  } catch (again) {
    return again;
  }
  return new RvbbitError('RVB_SQL', `the query failed after ${rows} rows: ${messageOf(thrown)}`, {
    stage: 'execute',
    cause: thrown,
  });
}
