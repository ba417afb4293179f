/** Executes a RUN plan: writes the rows into a temp table, runs the cascade once over it, and returns one row of JSON. */
import { quoteIdentifier } from '../duck/quote.ts';
import type { Session } from '../duck/session.ts';
import { dropStage, stageQuery } from '../duck/stage.ts';
import type { Failure } from '../errors.ts';
import type { EndedCalls } from '../journal/account.ts';
import type { RunPlan } from '../plan/plan.ts';
import type { JsonObject } from '../util/json.ts';
import { AdvisoryTally } from './advisories.ts';
import { runSingle, type SingleRun } from './run-single.ts';
import type { Statement, StatementWithCascade } from './statement.ts';

/** The JSON that a RUN returns in its one row. */
export interface RunReport {
  /** `incomplete`: the budget was used up, or the statement was interrupted. */
  readonly status: 'success' | 'failed' | 'incomplete';
  readonly session_id: string;
  /** The temp table that held the rows. */
  readonly table_created: string;
  readonly row_count: number;
  /** Each cell's output, by the cell's name. */
  readonly outputs: JsonObject;
  /** Tables that the cascade made or replaced. They stay in the session after the run. */
  readonly tables: readonly string[];
  /** US dollars for the calls of this run; null if the price is not known. */
  readonly cost: number | null;
  /** From the reading of the rows to the end of this run. */
  readonly duration_ms: number;
  readonly error?: Failure;
}

export interface RunResult {
  readonly report: RunReport;
  /** True if the plan's limit cut rows off. */
  readonly cut: boolean;
  /** True if the temp table now hides a table or view of the same name in this session. */
  readonly shadows: boolean;
  /** The refusals of advisory wards. */
  readonly advisories: AdvisoryTally;
}

export async function executeRun(
  plan: RunPlan,
  statement: StatementWithCascade,
): Promise<RunResult> {
  const begun = beginRun(statement);
  const staged = await stageTable(plan, statement);
  const advisories = new AdvisoryTally();
  const table = { name: plan.asTable, rowCount: staged.rowCount, columns: staged.columns };
  const report = await runOverTable(table, statement, begun, {
    timeoutMs: plan.timeoutMs,
    calls: plan.calls,
    failFast: plan.onError.kind === 'fail',
    rowsParallel: plan.parallel,
    advisories,
  });
  return { report, cut: staged.cut, shadows: staged.shadows, advisories };
}

/** A temp table over which a cascade runs. */
export interface RunTable {
  readonly name: string;
  readonly rowCount: number;
  readonly columns: readonly string[];
}

/** The statement's figures when a run began. The report of the run has only what was added since then. */
export interface BegunRun {
  readonly calls: EndedCalls;
  readonly elapsedMs: number;
}

export function beginRun({ ledger }: Statement): BegunRun {
  return { calls: ledger.endedCalls, elapsedMs: ledger.elapsedMs };
}

/** Runs the cascade once over a table of the session. */
export async function runOverTable(
  table: RunTable,
  statement: StatementWithCascade,
  begun: BegunRun,
  options: Omit<SingleRun, 'kind' | 'input'> & { readonly advisories: AdvisoryTally },
): Promise<RunReport> {
  const { session, ledger } = statement;
  const { advisories, ...how } = options;
  const before = await tableIds(session);
  const input = { data_table: table.name, row_count: table.rowCount, columns: table.columns };
  const outcome = await runSingle(statement, { ...how, kind: 'run', input }, advisories);
  const after = await tableIds(session);
  const costMicroUsd = ledger.costSince(begun.calls);
  return {
    status:
      statement.stop.drained !== undefined
        ? 'incomplete'
        : outcome.kind === 'failed'
          ? 'failed'
          : 'success',
    // A RUN inside another statement has the outer statement's session name here, as a batch.
    session_id: ledger.session.replace(/^sql-/, 'batch-'),
    table_created: table.name,
    row_count: table.rowCount,
    outputs: outcome.outputs ?? {},
    tables: [...after].filter(([name, id]) => before.get(name) !== id).map(([name]) => name),
    cost: costMicroUsd === null ? null : costMicroUsd / 1e6,
    duration_ms: Math.round(ledger.elapsedMs - begun.elapsedMs),
    ...(outcome.kind === 'failed' ? { error: outcome.error } : {}),
  };
}

interface StagedTable {
  readonly rowCount: number;
  readonly columns: readonly string[];
  readonly cut: boolean;
  readonly shadows: boolean;
}

/** Writes the query's rows to temp table `asTable`. Replaces a temp table of that name from an earlier RUN. */
async function stageTable(plan: RunPlan, statement: StatementWithCascade): Promise<StagedTable> {
  const { session, parameters, stop, ledger } = statement;
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
    ledger.noteTable(plan.asTable);
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

/** Returns the session's tables and their catalog ids. A table that was replaced has a new id. */
async function tableIds(session: Session): Promise<ReadonlyMap<string, string>> {
  const reader = await session.run(
    `SELECT table_name AS name, database_oid || '.' || table_oid AS id FROM duckdb_tables()
WHERE NOT internal AND NOT regexp_matches(table_name, '^rvb_[a-z]+_[0-9]+$') ORDER BY table_oid`,
  );
  const rows = await reader.rows('json');
  return new Map(rows.map((row) => [String(row['name']), String(row['id'])]));
}

/** Whether a temp table of this name hides a table or view of the database. */
export async function hasPermanentTable(session: Session, name: string): Promise<boolean> {
  const reader = await session.runBound(
    `SELECT 1 FROM information_schema.tables
WHERE lower(table_name) = lower($1) AND table_catalog = current_database() AND table_schema = current_schema()`,
    [name],
  );
  return reader.rowCount > 0;
}
