/** Executes a RUN plan: the rows into a temp table, the cascade once over it, one row of JSON back. */
import { quoteIdentifier } from '../duck/quote.ts';
import type { Session } from '../duck/session.ts';
import { dropStage, stageQuery } from '../duck/stage.ts';
import type { Failure } from '../errors.ts';
import type { RunPlan } from '../plan/plan.ts';
import type { JsonObject } from '../util/json.ts';
import { AdvisoryTally } from './advisories.ts';
import { runSingle, type SingleRun } from './run-single.ts';
import type { StatementWithCascade } from './statement.ts';

/** The JSON that a RUN returns in its one row. */
export interface RunReport {
  /** `incomplete`: its budget was used up, or it was interrupted. */
  readonly status: 'success' | 'failed' | 'incomplete';
  readonly session_id: string;
  /** The temp table that held the rows. */
  readonly table_created: string;
  readonly row_count: number;
  /** What each cell gave, by its name. */
  readonly outputs: JsonObject;
  /** Tables that the cascade made; they outlive it in the session. */
  readonly tables: readonly string[];
  /** US dollars; null where the price is not known. */
  readonly cost: number | null;
  readonly duration_ms: number;
  readonly error?: Failure;
}

export interface RunResult {
  readonly report: RunReport;
  /** The default limit cut rows off. */
  readonly cut: boolean;
  /** A table or view of the same name that the temp table now hides in this session. */
  readonly shadows: boolean;
  /** What advisory wards refused. */
  readonly advisories: AdvisoryTally;
}

export async function executeRun(
  plan: RunPlan,
  statement: StatementWithCascade,
): Promise<RunResult> {
  const staged = await stageTable(plan, statement);
  const advisories = new AdvisoryTally();
  const table = { name: plan.asTable, rowCount: staged.rowCount, columns: staged.columns };
  const report = await runOverTable(table, statement, {
    timeoutMs: plan.timeoutMs,
    calls: plan.calls,
    failFast: plan.onError.kind === 'fail',
    advisories,
  });
  return { report, cut: staged.cut, shadows: staged.shadows, advisories };
}

/** A temp table that a cascade is run over. */
export interface RunTable {
  readonly name: string;
  readonly rowCount: number;
  readonly columns: readonly string[];
}

/** Runs the cascade once over a table of the session. */
export async function runOverTable(
  table: RunTable,
  statement: StatementWithCascade,
  options: Omit<SingleRun, 'kind' | 'input'> & { readonly advisories: AdvisoryTally },
): Promise<RunReport> {
  const { session, ledger } = statement;
  const { advisories, ...how } = options;
  const before = await tableIds(session);
  const input = { data_table: table.name, row_count: table.rowCount, columns: table.columns };
  const outcome = await runSingle(statement, { ...how, kind: 'run', input }, advisories);
  const after = await tableIds(session);
  return {
    status:
      statement.stop.drained !== undefined
        ? 'incomplete'
        : outcome.kind === 'failed'
          ? 'failed'
          : 'success',
    // Within another statement it has that one's name, as a batch.
    session_id: ledger.session.replace(/^sql-/, 'batch-'),
    table_created: table.name,
    row_count: table.rowCount,
    outputs: outcome.outputs ?? {},
    tables: [...after].filter(([name, id]) => before.get(name) !== id).map(([name]) => name),
    cost: ledger.costMicroUsd === null ? null : ledger.costMicroUsd / 1e6,
    duration_ms: Math.round(ledger.elapsedMs),
    ...(outcome.kind === 'failed' ? { error: outcome.error } : {}),
  };
}

interface StagedTable {
  readonly rowCount: number;
  readonly columns: readonly string[];
  readonly cut: boolean;
  readonly shadows: boolean;
}

/** The query's rows as temp table `asTable`; a temp table of that name from an earlier RUN is replaced. */
async function stageTable(plan: RunPlan, statement: StatementWithCascade): Promise<StagedTable> {
  const { session, parameters, stop } = statement;
  const { signal } = stop;
  const stage = await stageQuery(session, plan.query, {
    limit: plan.limit.rows ?? undefined,
    parameters,
    signal,
  });
  try {
    const shadows = await hasPermanentTable(session, plan.asTable);
    const columns = stage.columns.map(({ name }) => `s.${quoteIdentifier(name)}`);
    await session.run(
      `CREATE OR REPLACE TEMP TABLE ${quoteIdentifier(plan.asTable)} AS
SELECT ${columns.join(', ')} FROM ${stage.table} s ORDER BY s.${stage.ordinal}`,
      { signal },
    );
    return {
      rowCount: stage.rowCount,
      columns: stage.columns.map(({ name }) => name),
      cut: stage.cut,
      shadows,
    };
  } finally {
    await dropStage(session, stage);
  }
}

/** The session's tables and their catalog ids: a table that was replaced has a new one. */
async function tableIds(session: Session): Promise<ReadonlyMap<string, string>> {
  const reader = await session.run(
    `SELECT table_name AS name, database_oid || '.' || table_oid AS id FROM duckdb_tables()
WHERE NOT internal AND NOT regexp_matches(table_name, '^rvb_[a-z]+_[0-9]+$') ORDER BY table_oid`,
  );
  const rows = await reader.rows('json');
  return new Map(rows.map((row) => [String(row['name']), String(row['id'])]));
}

/** Whether a temp table of the name hides a table or view of the database. */
export async function hasPermanentTable(session: Session, name: string): Promise<boolean> {
  const reader = await session.runBound(
    `SELECT 1 FROM information_schema.tables
WHERE lower(table_name) = lower($1) AND table_catalog = current_database() AND table_schema = current_schema()`,
    [name],
  );
  return reader.rowCount > 0;
}
