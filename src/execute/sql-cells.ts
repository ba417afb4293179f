/** Where the queries of `sql_data` cells run: on the session itself, or in a process beside the engine's. */
import type { SqlCellOutcome, SqlCellQuery } from '../../workers/protocol.ts';
import { RvbbitError } from '../errors.ts';
import type { SqlCellsMode } from '../options.ts';
import { reasonOf } from './cancel.ts';
import { runSqlCell } from './sql-cell.ts';
import type { IsolatedStatement } from './sql-process/isolated-statement.ts';
import type { PrivateFolder } from './sql-process/private-folder.ts';
import type { ProcessKeeper } from './sql-process/process-keeper.ts';
import type { StatementScope } from './statement-env.ts';

/** What the isolated way needs, loaded with the first query that goes it. */
interface Isolation {
  readonly keeper: ProcessKeeper;
  readonly folder: PrivateFolder;
  readonly IsolatedStatement: typeof import('./sql-process/isolated-statement.ts').IsolatedStatement;
}

/** The errors of an engine that cannot run any cell's query: they end the statement, not the row. */
const FINAL = new Set(['RVB_OPTION_TYPE', 'RVB_WORKER_BOOT', 'RVB_WORKER_LOST']);

export class SqlCells {
  readonly #readMode: () => Promise<SqlCellsMode>;
  readonly #statements = new Map<number, IsolatedStatement>();
  readonly #ending = new Set<Promise<void>>();
  #mode: SqlCellsMode | undefined;
  #isolation: Promise<Isolation> | undefined;

  constructor(readMode: () => Promise<SqlCellsMode>) {
    this.#readMode = readMode;
  }

  /** Runs one query for a statement. */
  async run(scope: StatementScope, query: SqlCellQuery): Promise<SqlCellOutcome> {
    if (this.#mode === 'inline') return runSqlCell(scope.session, query, scope.stop.signal);
    try {
      this.#mode = await this.#readMode();
      if (this.#mode === 'inline') {
        return await runSqlCell(scope.session, query, scope.stop.signal);
      }
      return await (await this.#statement(scope)).run(query);
    } catch (thrown) {
      if (thrown instanceof RvbbitError && FINAL.has(thrown.code)) scope.stop.fail(thrown);
      throw thrown;
    }
  }

  /** Nothing more will be asked for the statement. */
  endStatement(id: number): void {
    const statement = this.#statements.get(id);
    if (statement === undefined) return;
    this.#statements.delete(id);
    const ending = statement
      .close()
      .catch(() => {})
      .finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }

  /** The statements have ended. */
  async close(): Promise<void> {
    await Promise.all(this.#ending);
    const isolation = await this.#isolation?.catch(() => undefined);
    await isolation?.keeper.close();
    await isolation?.folder.close();
  }

  async #statement(scope: StatementScope): Promise<IsolatedStatement> {
    this.#isolation ??= load();
    const { keeper, folder, IsolatedStatement } = await this.#isolation;
    // It may have ended meanwhile.
    if (scope.stop.signal.aborted) throw reasonOf(scope.stop.signal);
    let statement = this.#statements.get(scope.id);
    if (statement === undefined) {
      statement = new IsolatedStatement({
        statementId: scope.id,
        session: scope.session,
        keeper,
        folder,
        signal: scope.stop.signal,
        onLost: (reason) => scope.ledger.note({ t: 'worker.lost', reason }),
      });
      this.#statements.set(scope.id, statement);
    }
    return statement;
  }
}

async function load(): Promise<Isolation> {
  const { ProcessKeeper } = await import('./sql-process/process-keeper.ts');
  const { PrivateFolder } = await import('./sql-process/private-folder.ts');
  const { IsolatedStatement } = await import('./sql-process/isolated-statement.ts');
  return { keeper: new ProcessKeeper(), folder: new PrivateFolder(), IsolatedStatement };
}
