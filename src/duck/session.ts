/** One connection, which runs its statements one at a time, in the order of the calls. */

import type { DuckDBConnection, DuckDBPreparedStatement } from '@duckdb/node-api';
import { LRUCache } from 'lru-cache';
import { cancelledError, closedError, RvbbitError } from '../errors.ts';
import type { Json } from '../util/json.ts';
import { Semaphore } from '../util/semaphore.ts';
import { type AppendColumn, appendColumns, type TableName } from './append.ts';
import { type Column, columnsFrom } from './columns.ts';
import { isOneStatement, runPrepared, runText } from './execution.ts';
import { type AtEnd, runInterruptibly } from './interruptible.ts';
import { loadNodeApi, nodeApi } from './node-api.ts';
import { ChunkFeed, feedChunks, HeldBytes, type OpenResult, openResult } from './open-result.ts';
import { bindParameters, type Parameters } from './parameters.ts';
import { knownShape, type QueryShape, queryShapeOf } from './query-shape.ts';
import { checkReadOnly } from './read-only/check-read-only.ts';
import { SessionCatalogue } from './read-only/known-catalogue.ts';
import { ResultReader } from './reader.ts';
import { Readers } from './readers.ts';
import type { DatabaseLease } from './registry.ts';
import { type Signature, signatureOf } from './signature.ts';
import { toSqlError } from './sql-error.ts';
import { nativeThreads } from './thread-budget.ts';

export type { Column } from './columns.ts';
export type { Parameters } from './parameters.ts';

/** The options for running a statement. */
export interface RunOptions {
  readonly parameters?: Parameters | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The number of lines that the engine put before the user's text. The place of an error is given without them. */
  readonly linesBefore?: number | undefined;
  /**
   * True for a text that the engine wrote, with no part of a user's text in it: a read-only session runs it unchecked.
   * Such texts make, fill and drop the engine's own temporary tables, macros and variables.
   */
  readonly own?: boolean | undefined;
  /** False for a text that changes nothing but the engine's own macros, though it may look as if it did. */
  readonly changes?: boolean | undefined;
}

/** The most statements that a session with `keepsPrepared` keeps. */
const MAX_KEPT = 100;
/** The longest text of a kept statement. */
const KEPT_MAX_CHARS = 20_000;
/** A text that leaves kept statements as they are: DuckDB binds them anew itself if a table has changed. */
const LEAVES_KEPT = /^\s*(?:select|from|with|values|insert|update|delete|begin|commit|rollback)\b/i;
/** Functions whose value DuckDB takes when it binds a statement. */
const BOUND_EARLY = /current_setting|getvariable/i;

/** Why a session's calls abort that is closed. Made once: to make a reason costs as much as to open a connection. */
const CLOSED = closedError('session');

/** The options of every call. */
interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly own?: boolean | undefined;
}

/** The options of a new session. */
interface OpenOptions {
  readonly isReadOnly?: boolean;
  /** True to keep the statements that ran with parameters, prepared for the next time. */
  readonly keepsPrepared?: boolean;
  /** The most bytes of unread rows in memory when another statement wants the connection. */
  readonly heldBytes?: number | undefined;
}

/**
 * One connection, with its own temporary tables and transactions. Every failure of DuckDB is `RVB_SQL`, and an abort is
 * `RVB_CANCELLED`. The session stays usable after both.
 */
export class Session {
  readonly #connection: DuckDBConnection;
  readonly #onClose: () => Promise<void>;
  readonly #turns = new Semaphore(1);
  readonly #closing = new AbortController();
  /** Undefined if the connection was handed in. */
  readonly #source: DatabaseLease | undefined;
  readonly #readers: Readers | undefined;
  /** True if only texts that read run, besides the engine's own. */
  readonly isReadOnly: boolean;
  readonly #catalogue: SessionCatalogue | undefined;
  readonly #keepsPrepared: boolean;
  readonly #held: HeldBytes;
  /** The prepared statements that are kept; undefined before the first. */
  #kept: LRUCache<string, DuckDBPreparedStatement> | undefined;
  /** True also without a bound on the bytes held: DuckDB's default serves such a session. */
  #isBufferSmall: boolean;
  #calls = 0;
  #mayHaveMacros = false;
  #closed: Promise<void> | undefined;

  private constructor(
    connection: DuckDBConnection,
    onClose: () => Promise<void>,
    source?: DatabaseLease,
    { isReadOnly = false, keepsPrepared = false, heldBytes }: OpenOptions = {},
  ) {
    this.#connection = connection;
    this.#onClose = onClose;
    this.#source = source;
    this.isReadOnly = isReadOnly;
    this.#keepsPrepared = keepsPrepared;
    this.#held = new HeldBytes(heldBytes);
    this.#isBufferSmall = heldBytes === undefined;
    if (source?.watch !== undefined) {
      this.#catalogue = new SessionCatalogue(source.watch, isReadOnly);
    }
    if (source !== undefined) {
      this.#readers = new Readers(this, () => Session.open(source, { isReadOnly }));
    }
  }

  /** The number of calls begun on the connection. */
  get calls(): number {
    return this.#calls;
  }

  /**
   * A count that grows when a text may have changed data or settings, in any session of the database. Undefined while
   * one runs, and where others may write unseen: to a handed-in instance or connection.
   */
  get changes(): number | undefined {
    const changes = this.#source?.changes;
    return changes === undefined || changes.begun > changes.ended ? undefined : changes.ended;
  }

  /** True if a text that was run mentions macros or functions. */
  get mayHaveMacros(): boolean {
    return this.#mayHaveMacros;
  }

  /** Connects to a leased database, or uses a handed-in connection, which `close` leaves open. */
  static async open(
    source: DatabaseLease | DuckDBConnection,
    options: OpenOptions = {},
  ): Promise<Session> {
    await loadNodeApi();
    if (!('retain' in source))
      return new Session(source, async () => undefined, undefined, options);
    const share = source.retain();
    try {
      const connection = await nativeThreads.use(() => share.instance.connect());
      const disconnect = async () => {
        connection.disconnectSync();
        await share.release();
      };
      return new Session(connection, disconnect, share, options);
    } catch (error) {
      await share.release();
      throw toSqlError(error, '', { stage: 'open' });
    }
  }

  /** Runs `work` on another connection to the database; on this session if its connection was handed in. */
  async beside<T>(work: (session: Session) => Promise<T>): Promise<T> {
    if (this.#source === undefined) return work(this);
    const session = await Session.open(this.#source);
    try {
      return await work(session);
    } finally {
      await session.close();
    }
  }

  /**
   * Runs text as given. Without parameters it may hold several statements, and the result is that of the last one.
   * With parameters it must hold exactly one statement.
   */
  async run(sql: string, options: RunOptions = {}): Promise<ResultReader> {
    const { parameters } = options;
    return this.#call(sql, options, async (connection, stop, atEnd) =>
      parameters === undefined
        ? new ResultReader(await runText(connection, sql, stop, atEnd))
        : this.#prepared(
            connection,
            sql,
            stop,
            async (statement) => {
              bindParameters(statement, parameters);
              return new ResultReader(await runPrepared(statement, sql, stop));
            },
            true,
          ),
    );
  }

  /**
   * Runs text as `run` does, but reads a single SELECT while it runs, so that its first rows come early. The SELECT
   * keeps the session's turn until its last row is read. If another call wants the turn, the remaining rows are read
   * into memory; RVB_LIMIT if they are more than the option `heldBytes` allows.
   */
  async open(sql: string, options: RunOptions = {}): Promise<OpenResult | ResultReader> {
    const { parameters } = options;
    this.#held.check();
    const feed = new ChunkFeed(this.#held);
    let isOpen = false;
    return new Promise((resolve, reject) => {
      const ended = this.#call(sql, options, (connection, stop, atEnd) =>
        this.#prepared(connection, sql, stop, async (statement) => {
          if (statement.statementType !== nodeApi().StatementType.SELECT) return;
          if (parameters !== undefined) bindParameters(statement, parameters);
          isOpen = true;
          stop.addEventListener('abort', () => feed.stop());
          await this.#keepBufferSmall(connection);
          const endHurry = this.#turns.onContended(() => feed.hurry());
          await feedChunks(connection, statement, sql, feed, {
            signal: stop,
            atEnd,
            onColumns: (columns) => resolve(openResult(columns, feed, ended)),
          }).finally(endHurry);
        }).catch((thrown: unknown) => {
          // A text that is not exactly one statement runs below, as it is.
          if (isOpen || !(thrown instanceof RvbbitError)) throw thrown;
        }),
      );
      ended
        .then(() => (isOpen ? feed.end() : resolve(this.run(sql, options))))
        .catch((thrown: unknown) => {
          feed.fail(thrown);
          reject(thrown);
        });
    });
  }

  /** Runs exactly one statement with `values` bound to its parameters, one for each. */
  async runBound(
    sql: string,
    values: readonly Json[],
    options: CallOptions = {},
  ): Promise<ResultReader> {
    return this.run(sql, { ...options, parameters: values });
  }

  /**
   * Does the same as `runBound`, but a SELECT does not wait for the session's other statements if it gives the same
   * rows on another connection.
   */
  async runBeside(
    sql: string,
    values: readonly Json[],
    options: CallOptions = {},
  ): Promise<ResultReader> {
    const read = await this.#readers?.run(sql, values, options.signal);
    return read ?? this.runBound(sql, values, options);
  }

  /** Runs exactly one SELECT. Returns undefined if the text is not one SELECT, or if DuckDB cannot prepare it. */
  async runSelect(
    sql: string,
    values: readonly Json[],
    options: CallOptions = {},
  ): Promise<ResultReader | undefined> {
    let isBound = false;
    return this.#call(sql, options, (connection, stop) =>
      this.#prepared(connection, sql, stop, async (statement) => {
        if (statement.statementType !== nodeApi().StatementType.SELECT) return undefined;
        isBound = true;
        bindParameters(statement, values);
        return new ResultReader(await runPrepared(statement, sql, stop));
      }).catch((thrown: unknown) => {
        if (isBound || stop.aborted) throw thrown;
        return undefined;
      }),
    );
  }

  /** Prepares exactly one statement, and gives `work` a function that runs it. `work` has the session's turn. */
  async repeat<T>(
    sql: string,
    options: RunOptions,
    work: (runOnce: () => Promise<ResultReader>) => Promise<T>,
  ): Promise<T> {
    const { parameters } = options;
    return this.#call(sql, options, (connection, stop) =>
      this.#prepared(connection, sql, stop, (statement) => {
        if (parameters !== undefined) bindParameters(statement, parameters);
        return work(async () => {
          try {
            return new ResultReader(await runPrepared(statement, sql, stop));
          } catch (thrown) {
            throw toSqlError(thrown, sql);
          }
        });
      }),
    );
  }

  /** Returns the columns of a query without running the query. */
  async describe(sql: string, options: RunOptions = {}): Promise<readonly Column[]> {
    return this.#call(sql, options, async (connection, stop, atEnd) => {
      const prepared = await this.#prepared(connection, sql, stop, async (statement) =>
        columnsOfPrepared(statement),
      ).catch(() => undefined);
      if (prepared !== undefined) return prepared;
      // DuckDB reads a PIVOT as two statements, and knows the type of a bare parameter only once it is bound.
      const { parameters } = options;
      const empty = `SELECT * FROM (\n${sql}\n) LIMIT 0`;
      try {
        if (parameters === undefined) {
          return new ResultReader(await runText(connection, empty, stop, atEnd)).columns;
        }
        return await this.#prepared(connection, empty, stop, async (statement) => {
          bindParameters(statement, parameters);
          return new ResultReader(await runPrepared(statement, empty, stop)).columns;
        });
      } catch (error) {
        throw toSqlError(error, empty, { linesBefore: 1 });
      }
    });
  }

  /**
   * Prepares one statement, and returns its parameter types by name, and the columns of its rows. A type is undefined
   * if only a bound value decides it.
   */
  async signature(sql: string, options: CallOptions = {}): Promise<Signature> {
    return this.#call(sql, options, (connection, stop) =>
      this.#prepared(connection, sql, stop, async (statement) => signatureOf(statement, sql)),
    );
  }

  /** Returns if a query's outermost select has LIMIT or FETCH, and if the query is of the SELECT family. */
  async queryShape(sql: string, options: CallOptions = {}): Promise<QueryShape> {
    const known = knownShape(sql);
    if (known !== undefined) return known;
    return this.#call(sql, options, (connection, stop) => queryShapeOf(connection, sql, stop));
  }

  /** Appends columns of `rowCount` values each. After `RVB_SQL`, no row is appended. */
  async append(
    table: TableName,
    columns: readonly AppendColumn[],
    rowCount: number,
    options: CallOptions = {},
  ): Promise<void> {
    await this.#call('', { ...options, changes: options.own !== true }, (connection, stop) =>
      appendColumns(connection, table, columns, rowCount, stop),
    );
  }

  /**
   * Gives `work` exclusive use of the connection. `work` should make its calls into DuckDB through
   * `nativeThreads.use`. An abort interrupts the call that is running.
   */
  async inTurn<T>(
    work: (connection: DuckDBConnection) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    return this.#call('', { signal }, work);
  }

  /** Ends the running statement, refuses the waiting ones with `RVB_CLOSED`, and closes the connection. */
  close(): Promise<void> {
    this.#closing.abort(CLOSED);
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    await this.#readers?.close();
    await this.#turns.use(() => {
      this.#kept?.clear();
      return this.#onClose();
    });
  }

  async #call<T>(
    sql: string,
    options: CallOptions & Pick<RunOptions, 'linesBefore' | 'changes'>,
    work: (connection: DuckDBConnection, stop: AbortSignal, atEnd: AtEnd) => Promise<T>,
  ): Promise<T> {
    if (this.#closing.signal.aborted) throw closedError('session');
    if (sql.includes('\0')) {
      // DuckDB reads a text only up to its first NUL, and would silently drop the rest.
      throw toSqlError(new Error('Parser Error: the SQL text holds a NUL character: remove it'));
    }
    const { signal } = options;
    const endTurn = await this.#turns.acquire(signal);
    if (this.#closing.signal.aborted) {
      endTurn();
      throw closedError('session');
    }
    this.#calls += 1;
    if (!LEAVES_KEPT.test(sql)) this.#kept?.clear();
    this.#mayHaveMacros ||= /macro|function/i.test(sql);
    const isGiven = sql !== '' && options.own !== true;
    const noteEnd = isGiven ? this.#catalogue?.begin(sql) : undefined;
    const changes =
      (options.changes ?? (options.own !== true && mayChange(sql)))
        ? this.#source?.changes
        : undefined;
    if (changes !== undefined) changes.begun += 1;
    const { outcome, settled } = runInterruptibly(
      this.#connection,
      async (stop, atEnd) => {
        if (this.isReadOnly && isGiven) {
          const known = this.#catalogue?.known ?? {};
          await checkReadOnly(this.#connection, sql, { signal: stop, known });
        }
        return work(this.#connection, stop, atEnd);
      },
      signal === undefined ? [this.#closing.signal] : [signal, this.#closing.signal],
      (cause) => (signal?.aborted === true ? cancelledError(cause) : closedError('session', cause)),
    );
    // The turn ends when the connection is free. After an abort, that may be later than the outcome.
    void settled.then(async () => {
      if (changes !== undefined) changes.ended += 1;
      if (noteEnd !== undefined) {
        const done = outcome.then(
          () => true,
          () => false,
        );
        noteEnd(await done);
      }
      endTurn();
    });
    try {
      const value = await outcome;
      await settled;
      return value;
    } catch (error) {
      throw toSqlError(error, sql, { linesBefore: options.linesBefore ?? 0 });
    }
  }

  /** Prepares one statement for `work`, or takes it from those that are kept. */
  async #prepared<T>(
    connection: DuckDBConnection,
    sql: string,
    stop: AbortSignal,
    work: (statement: DuckDBPreparedStatement) => Promise<T>,
    mayKeep = false,
  ): Promise<T> {
    const known = mayKeep ? this.#kept?.get(sql) : undefined;
    if (known !== undefined) return work(known);
    const statement = await prepareOne(connection, sql, stop);
    const keeps =
      mayKeep &&
      this.#keepsPrepared &&
      sql.length <= KEPT_MAX_CHARS &&
      isOneStatement(sql) &&
      !BOUND_EARLY.test(sql);
    try {
      const result = await work(statement);
      if (keeps) this.#keep(sql, statement);
      return result;
    } finally {
      if (this.#kept?.peek(sql) !== statement) statement.destroySync();
    }
  }

  /** DuckDB then has few rows ready that nobody has asked for. The setting is one of the connection. */
  async #keepBufferSmall(connection: DuckDBConnection): Promise<void> {
    if (this.#isBufferSmall) return;
    this.#isBufferSmall = true;
    await nativeThreads.use(() => connection.run(`SET streaming_buffer_size = '100KB'`));
  }

  #keep(sql: string, statement: DuckDBPreparedStatement): void {
    this.#kept ??= new LRUCache({ max: MAX_KEPT, dispose: (dropped) => dropped.destroySync() });
    this.#kept.set(sql, statement);
  }
}

async function prepareOne(
  connection: DuckDBConnection,
  sql: string,
  stop: AbortSignal,
): Promise<DuckDBPreparedStatement> {
  if (isOneStatement(sql)) return nativeThreads.use(() => connection.prepare(sql), stop);
  const statements = await nativeThreads.use(() => connection.extractStatements(sql), stop);
  if (statements.count !== 1) {
    throw new RvbbitError(
      'RVB_SQL',
      `parameters need exactly one statement, but DuckDB sees ${statements.count} (a PIVOT counts as two)`,
      { stage: 'bind', sqlState: '42601' },
    );
  }
  return nativeThreads.use(() => statements.prepare(0), stop);
}

const READS =
  /^\s*(?:(?:--[^\n]*\n|\/\*[\s\S]*?\*\/)\s*)*(?:select|from|with|values|explain|describe|summarize|show|\()/i;
const CHANGES =
  /\b(?:insert|update|delete|merge|create|drop|alter|copy|attach|detach|set|use|call|execute|truncate|nextval|setseed)\b|;\s*[^\s;]/i;

/** Whether a text may change data or settings: all but a single query that names no verb of a change. */
function mayChange(sql: string): boolean {
  return sql !== '' && (!READS.test(sql) || CHANGES.test(sql));
}

function columnsOfPrepared(statement: DuckDBPreparedStatement): Column[] {
  const indexes = Array.from({ length: statement.columnCount }, (_, index) => index);
  return columnsFrom(
    indexes.map((index) => statement.columnName(index)),
    indexes.map((index) => statement.columnType(index)),
  );
}
