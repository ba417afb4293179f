/** Reads the rows of a SELECT while DuckDB still runs the SELECT. */
import { setImmediate } from 'node:timers/promises';
import type { DuckDBConnection, DuckDBDataChunk, DuckDBPreparedStatement } from '@duckdb/node-api';
import { messageOf, RvbbitError } from '../errors.ts';
import type { ValueForm } from '../result.ts';
import { type Column, columnsOf } from './columns.ts';
import { finishPending, runPrepared, runText } from './execution.ts';
import { isInTransaction } from './in-transaction.ts';
import type { AtEnd } from './interruptible.ts';
import { chunkBytes, ResultReader, readChunk, type Slice } from './reader.ts';
import { nativeThreads } from './thread-budget.ts';

/** A result whose rows are read in order, slice by slice. `slices` throws at the end if rows are missing. */
export interface OpenResult {
  readonly columns: readonly Column[];
  slices(form: ValueForm): AsyncGenerator<Slice, void, undefined>;
}

/** The bytes of rows that are in memory because another statement wanted the connection of their own. */
export class HeldBytes {
  readonly #most: number;
  #bytes = 0;

  constructor(most: number = Number.POSITIVE_INFINITY) {
    this.#most = most;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Throws RVB_LIMIT if they are more than allowed. */
  check(): void {
    if (this.#bytes > this.#most) {
      throw new RvbbitError(
        'RVB_LIMIT',
        `the rows of open results that are not read yet take more than ${this.#most} bytes: read or close them before the next statement, or use another connection`,
        { stage: 'deliver', sqlState: '53400' },
      );
    }
  }
}

/** The queue of chunks between DuckDB and the reader of a result. */
export class ChunkFeed {
  readonly #chunks: DuckDBDataChunk[] = [];
  readonly #held: HeldBytes;
  /** The bytes that this feed counts in `#held`. */
  #bytes = 0;
  #state: 'open' | 'stopping' | 'ended' | 'left' = 'open';
  #isHurried = false;
  /** True while the reader waits for a chunk. Wide rows take megabytes, so none is read before. */
  #isAwaited = false;
  #error: unknown;
  #change: () => void = () => {};
  #changed = this.#nextChange();

  /** `held` counts the bytes of the chunks that were read in a hurry. */
  constructor(held: HeldBytes = new HeldBytes()) {
    this.#held = held;
  }

  push(chunk: DuckDBDataChunk): void {
    if (this.#isHurried) this.#count(chunkBytes(chunk));
    this.#held.check();
    this.#chunks.push(chunk);
    this.#tell();
  }

  /** Marks the feed as complete: all chunks have been pushed. */
  end(): void {
    if (this.#state !== 'left') this.#state = 'ended';
    this.#tell();
  }

  /** Ends the feed before its last chunk. `next` throws the error after the chunks that were pushed. */
  fail(error: unknown): void {
    this.#error ??= error;
    this.end();
  }

  /** Asks for no more chunks although some are missing. `fail` must follow with the reason. */
  stop(): void {
    if (this.#state === 'open') this.#state = 'stopping';
    this.#tell();
  }

  /** Drops all chunks, because the reader has stopped reading. */
  leave(): void {
    this.#state = 'left';
    this.#chunks.length = 0;
    this.#count(-this.#bytes);
    this.#tell();
  }

  /** Asks for all chunks now, though the reader does not want them yet. */
  hurry(): void {
    if (!this.#isHurried) for (const chunk of this.#chunks) this.#count(chunkBytes(chunk));
    this.#isHurried = true;
    this.#tell();
  }

  /** Resolves to true when a chunk is wanted, to false if none ever will be. */
  async isWanted(): Promise<boolean> {
    while (
      this.#state === 'open' &&
      !this.#isHurried &&
      !(this.#isAwaited && this.#chunks.length === 0)
    ) {
      await this.#changed;
    }
    return this.#state === 'open';
  }

  /** Returns the next chunk; undefined after the last chunk. */
  async next(): Promise<DuckDBDataChunk | undefined> {
    while (this.#chunks.length === 0 && (this.#state === 'open' || this.#state === 'stopping')) {
      this.#isAwaited = true;
      this.#tell();
      await this.#changed;
    }
    this.#isAwaited = false;
    const chunk = this.#chunks.shift();
    if (chunk !== undefined && this.#isHurried) this.#count(-chunkBytes(chunk));
    this.#tell();
    if (chunk === undefined && this.#error !== undefined) throw this.#error;
    return chunk;
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    this.#held.add(bytes);
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

/** Returns the result that reads the chunks of a feed. `ended` settles when the connection is free. */
export function openResult(
  columns: readonly Column[],
  feed: ChunkFeed,
  ended: Promise<unknown>,
): OpenResult {
  return {
    columns,
    async *slices(form) {
      try {
        // No variable keeps a chunk: its reader may take its rows late, or never.
        const next = async () => {
          const chunk = await feed.next();
          return chunk && readChunk(chunk, columns.length, form);
        };
        for (let slice = await next(); slice !== undefined; slice = await next()) {
          yield slice;
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
 * Runs a SELECT and feeds its chunks as they are wanted, on a connection that nobody else uses meanwhile. After an
 * error or interrupt, a streamed result ends as if it were complete. Only the transaction shows the failure: it is then
 * aborted. So this function begins a transaction if none is open.
 */
export async function feedChunks(
  connection: DuckDBConnection,
  statement: DuckDBPreparedStatement,
  sql: string,
  feed: ChunkFeed,
  options: {
    readonly signal?: AbortSignal | undefined;
    readonly onColumns: (columns: readonly Column[]) => void;
    readonly atEnd: AtEnd;
  },
): Promise<void> {
  const { signal, onColumns, atEnd } = options;
  const run = async (sql: string) => new ResultReader(await runText(connection, sql));
  const isOwn = !(await isInTransaction({ run }));
  if (isOwn) await run('BEGIN TRANSACTION');
  // After an abort, interrupts may end the ROLLBACK too: it is then repeated when they have stopped.
  const rollBack = () => run('ROLLBACK').catch(() => atEnd(() => run('ROLLBACK')));
  let rows = 0;
  try {
    const result = await finishPending(statement.startStream(), sql, signal, { isStream: true });
    onColumns(columnsOf(result));
    while (await feed.isWanted()) {
      const chunk = await nativeThreads.use(() => result.fetchChunk(), signal);
      if (chunk === null || chunk.rowCount === 0) break;
      rows += chunk.rowCount;
      feed.push(chunk);
    }
  } catch (thrown) {
    if (isOwn) await rollBack();
    throw thrown;
  }
  try {
    // This SELECT fails in an aborted transaction, whereas COMMIT would report nothing.
    await run('SELECT 1');
    signal?.throwIfAborted();
    if (isOwn) await run('COMMIT');
  } catch (thrown) {
    if (isOwn) await rollBack();
    throw await failureOf(statement, sql, isOwn && signal?.aborted !== true, rows, thrown);
  }
}

/** Returns the error that cut the rows off. DuckDB does not report it, so the statement runs again for its message. */
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
