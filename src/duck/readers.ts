/**
 * Connections that run queries beside a session's own connection, several at once. They see only committed data. So
 * they run a query only if the session would give the same rows: the session is in no transaction, and has no temporary
 * tables, views or macros and no variables that a name in the query could mean. They take over the session's settings.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Json } from '../util/json.ts';
import { Semaphore } from '../util/semaphore.ts';
import { runText } from './execution.ts';
import { isInTransaction } from './in-transaction.ts';
import { quoteIdentifier, quoteLiteral } from './quote.ts';
import { ResultReader } from './reader.ts';

/** The largest number of readers of one session. */
const READERS_MAX = 8;

/** The name prefix of the engine's own temporary tables. No query of a caller names such a table. */
const OWN_TABLES = 'rvb_';

const COUNT_TEMPORARY = `SELECT (SELECT count(*) FROM duckdb_tables() WHERE temporary AND NOT starts_with(table_name, '${OWN_TABLES}'))
  + (SELECT count(*) FROM duckdb_views() WHERE temporary AND NOT internal)
  + (SELECT count(*) FROM duckdb_variables()) AS n`;
/** A slow query, which runs only if the session may have made a macro. */
const COUNT_MACROS = "SELECT count(*) AS n FROM duckdb_functions() WHERE database_name = 'temp'";
const SETTINGS = `SELECT name, value FROM duckdb_settings() WHERE scope = 'LOCAL' AND name <> 'schema'`;

/** The part of a session that `Readers` uses. The readers are sessions too. */
export interface ReadableSession {
  /** The number of calls begun on the session's connection. */
  readonly calls: number;
  /** True if a text that the session ran mentions macros or functions. */
  readonly mayHaveMacros: boolean;
  run(sql: string, options?: { readonly own?: boolean }): Promise<ResultReader>;
  runSelect(
    sql: string,
    values: readonly Json[],
    options: { readonly signal?: AbortSignal | undefined },
  ): Promise<ResultReader | undefined>;
  inTurn<T>(work: (connection: DuckDBConnection) => Promise<T>, signal?: AbortSignal): Promise<T>;
  close(): Promise<void>;
}

type Settings = Readonly<Record<string, unknown>>;

/** The settings of a session, which a reader must have too; undefined if queries must stay on the session. */
type State = { readonly settings: Settings } | undefined;

interface Reader {
  readonly session: ReadableSession;
  settings: Settings;
}

/** The readers of one session. */
export class Readers {
  readonly #session: ReadableSession;
  readonly #connect: () => Promise<ReadableSession>;
  readonly #places = new Semaphore(READERS_MAX);
  readonly #idle: Reader[] = [];
  readonly #all = new Set<Reader>();
  #state: State;
  /** The session's number of calls when the state was read. */
  #stateAt = -1;
  #closed = false;

  /** `connect` opens a further connection to the session's database. */
  constructor(session: ReadableSession, connect: () => Promise<ReadableSession>) {
    this.#session = session;
    this.#connect = connect;
  }

  /** Runs one SELECT on a reader. Returns undefined if it must run on the session, or if it is not a SELECT. */
  async run(
    sql: string,
    values: readonly Json[],
    signal?: AbortSignal,
  ): Promise<ResultReader | undefined> {
    const state = await this.#currentState(signal);
    if (state === undefined || this.#closed) return undefined;
    return this.#places.use(async () => {
      const reader = this.#idle.pop() ?? (await this.#open());
      try {
        if (!(await this.#apply(reader, state.settings))) return undefined;
        return await reader.session.runSelect(sql, values, { signal });
      } finally {
        this.#idle.push(reader);
      }
    }, signal);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#all].map(({ session }) => session.close()));
  }

  async #open(): Promise<Reader> {
    const session = await this.#connect();
    const settings = settingsIn(await (await session.run(SETTINGS, { own: true })).rows('json'));
    const reader = { session, settings };
    this.#all.add(reader);
    if (this.#closed) await session.close();
    return reader;
  }

  /** Gives a reader the session's settings. Returns false if a setting cannot be changed. */
  async #apply(reader: Reader, settings: Settings): Promise<boolean> {
    if (reader.settings === settings) return true;
    const names = new Set([...Object.keys(settings), ...Object.keys(reader.settings)]);
    try {
      for (const name of names) {
        const value = settings[name];
        if (value === reader.settings[name]) continue;
        const change =
          value === undefined
            ? `RESET ${quoteIdentifier(name)}`
            : `SET ${quoteIdentifier(name)} = ${quoteLiteral(String(value))}`;
        await reader.session.run(change, { own: true });
      }
    } catch {
      // Some settings may have changed, so the reader's settings are no longer known.
      reader.settings = {};
      return false;
    }
    reader.settings = settings;
    return true;
  }

  /** Returns the session's state. Reads it again if the session has run anything since the last time. */
  async #currentState(signal: AbortSignal | undefined): Promise<State> {
    if (this.#stateAt === this.#session.calls) return this.#state;
    return this.#session.inTurn(async (connection) => {
      const { calls, mayHaveMacros } = this.#session;
      // Another query may have read the state meanwhile. `calls` counts this turn too.
      if (this.#stateAt !== calls - 1) this.#state = await readState(connection, mayHaveMacros);
      this.#stateAt = calls;
      return this.#state;
    }, signal);
  }
}

async function readState(connection: DuckDBConnection, mayHaveMacros: boolean): Promise<State> {
  const run = async (sql: string) => new ResultReader(await runText(connection, sql));
  if (await isInTransaction({ run })) return undefined;
  for (const count of [COUNT_TEMPORARY, ...(mayHaveMacros ? [COUNT_MACROS] : [])]) {
    const [row] = await (await run(count)).rows('json');
    if (Number(row?.['n']) !== 0) return undefined;
  }
  return { settings: settingsIn(await (await run(SETTINGS)).rows('json')) };
}

function settingsIn(rows: readonly Record<string, unknown>[]): Settings {
  return Object.fromEntries(rows.map(({ name, value }) => [String(name), value]));
}
