/** The SQL cells of one statement, run in a process beside the engine's. */
import { setMaxListeners } from 'node:events';
import { rm } from 'node:fs/promises';
import type { SqlCellOutcome, SqlCellQuery } from '../../../workers/protocol.ts';
import { quoteIdentifier } from '../../duck/quote.ts';
import type { Session } from '../../duck/session.ts';
import { TIMER_MAX_MS } from '../../limits.ts';
import { readParquetSql } from './carry-columns.ts';
import type { DatabaseProfile, ProcessOutcome } from './messages.ts';
import type { PrivateFolder } from './private-folder.ts';
import type { ProcessKeeper } from './process-keeper.ts';
import { SQL_OVERTIME_MS } from './process-limits.ts';
import { readProfile } from './session-profile.ts';
import { StatementNeeds } from './statement-needs.ts';

export interface IsolatedStatementOptions {
  readonly statementId: number;
  readonly session: Session;
  readonly keeper: ProcessKeeper;
  readonly folder: PrivateFolder;
  readonly signal: AbortSignal;
  /** Called once for each process that died under queries of the statement. */
  readonly onLost: (reason: string) => void;
}

export class IsolatedStatement {
  readonly #options: IsolatedStatementOptions;
  readonly #needs: StatementNeeds;
  readonly #lost = new WeakSet<object>();
  readonly #over = new AbortController();
  #profile: Promise<DatabaseProfile> | undefined;

  constructor(options: IsolatedStatementOptions) {
    this.#options = options;
    const { session, folder, signal, keeper, statementId } = options;
    this.#needs = new StatementNeeds({
      session,
      folder,
      signal,
      searchPath: async () => (await this.#readProfile()).searchPath,
      onPast: (sql) => keeper.drop(statementId, sql),
    });
  }

  /** Runs one query. Throws what keeps it from running; what DuckDB says of it is its outcome. */
  async run(query: SqlCellQuery): Promise<SqlCellOutcome> {
    const { statementId, keeper, folder, signal } = this.#options;
    const { text, values, materialize, limitMs } = query;
    const needs = await this.#needs.of(text);
    const resultFile = materialize === undefined ? undefined : await folder.newFile();
    const time = new QueryTime([signal, this.#over.signal], limitMs);
    try {
      const outcome = await keeper.run({
        query: {
          statementId,
          text,
          values,
          needs: needs.definitions,
          ...(resultFile === undefined ? {} : { resultFile }),
        },
        profile: await this.#readProfile(),
        signal: time.signal,
        lost: (sqlProcess, reason) => this.#noteLost(sqlProcess, reason),
      });
      if (materialize !== undefined && outcome.ok === 'file') {
        return await this.#materialise(materialize, resultFile!, outcome);
      }
      return needs.usesMacros ? withMacroNote(outcome) : plain(outcome);
    } finally {
      time.end();
      needs.release();
      if (resultFile !== undefined) await rm(resultFile, { force: true });
    }
  }

  /** The statement has ended: nothing of it is left, here or there. */
  async close(): Promise<void> {
    // A query that its cell has given up may still be under way.
    this.#over.abort();
    this.#options.keeper.closeStatement(this.#options.statementId);
    await this.#needs.close();
  }

  #readProfile(): Promise<DatabaseProfile> {
    const { session, folder, signal } = this.#options;
    this.#profile ??= folder.path().then((path) => readProfile(session, path, signal));
    return this.#profile;
  }

  /** As a query on the session would: the table is the session's and outlives the run. */
  async #materialise(
    table: string,
    file: string,
    { columns, rowCount }: Extract<ProcessOutcome, { ok: 'file' }>,
  ): Promise<SqlCellOutcome> {
    const { session, signal } = this.#options;
    await session.run(
      `CREATE OR REPLACE TEMP TABLE ${quoteIdentifier(table)} AS ${readParquetSql(columns, file)}`,
      { signal },
    );
    this.#needs.forget(table);
    return { ok: true, columns: columns.map(({ name }) => name), rows: [], rowCount, table };
  }

  #noteLost(sqlProcess: object, reason: string): void {
    if (this.#lost.has(sqlProcess)) return;
    this.#lost.add(sqlProcess);
    this.#options.onLost(`the process of the SQL cells was ended by ${reason}`);
  }
}

/** Aborts with the statement, and when the cell's time is over: nobody waits for the query then. */
class QueryTime {
  readonly #controller = new AbortController();
  readonly #sources: readonly AbortSignal[];
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #onAbort = () => this.#controller.abort();

  constructor(sources: readonly AbortSignal[], limitMs: number | undefined) {
    this.#sources = sources;
    for (const source of sources) {
      if (source.aborted) this.#onAbort();
      // As many listen as there are rows in flight; Node warns past ten.
      setMaxListeners(0, source);
      source.addEventListener('abort', this.#onAbort, { once: true });
    }
    if (limitMs !== undefined) {
      // The cell itself says that its time is over, and says it first.
      const afterMs = Math.max(0, limitMs) + SQL_OVERTIME_MS;
      this.#timer = setTimeout(this.#onAbort, Math.min(TIMER_MAX_MS, afterMs));
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  end(): void {
    clearTimeout(this.#timer);
    for (const source of this.#sources) source.removeEventListener('abort', this.#onAbort);
  }
}

function plain(outcome: ProcessOutcome): SqlCellOutcome {
  if (outcome.ok !== 'file') return outcome;
  throw new Error('a result went to a file unasked');
}

/** DuckDB tells of a macro's parameters, and not of their defaults. */
function withMacroNote(outcome: ProcessOutcome): SqlCellOutcome {
  if (outcome.ok !== false || !/macro/i.test(outcome.error.message)) return plain(outcome);
  const { code, message } = outcome.error;
  const note =
    "(a macro's parameters have no defaults in a process of its own, sqlCells: 'process'; they do with sqlCells: 'inline')";
  return { ok: false, error: { code, message: `${message} ${note}` } };
}
