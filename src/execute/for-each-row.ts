/** Runs a cascade for each row of a `for_each_row` cell's query. The rows form a MAP of their own in the cell's statement. */
import type { Budget } from '../calls/budget.ts';
import type { Cascade } from '../cascade/cascade.ts';
import { quoteIdentifier } from '../duck/quote.ts';
import { RvbbitError } from '../errors.ts';
import { TIMER_MAX_MS } from '../limits.ts';
import { bindInputs } from '../plan/bind-inputs.ts';
import type { MapPlan } from '../plan/plan.ts';
import type { ForEachRow, SqlCellOutcome, SqlCellQuery } from '../run/contract.ts';
import { findColumn } from '../util/find-column.ts';
import { StatementSignal } from '../util/statement-signal.ts';
import type { AdvisoryTally } from './advisories.ts';
import { MapExecution } from './execute-map.ts';
import type { StatementWithCascade } from './statement.ts';
import { nextStatementId } from './statement-id.ts';

/** One cell's query, the cascade for its rows, and the settings of its RUN for these rows. */
export interface EachRowRequest
  extends Pick<MapPlan, 'parallel' | 'timeoutMs' | 'calls' | 'onError'> {
  readonly query: SqlCellQuery;
  readonly forEachRow: ForEachRow;
  /** The statement's budget, from which the rows spend too; undefined if it has none. */
  readonly budget: Budget | undefined;
  /** Collects the refusals of advisory wards in the rows' runs. */
  readonly advisories: AdvisoryTally;
}

/**
 * Runs the rows. The table has the query's columns and then the column of the cascade's value, which is NULL for a
 * row whose cascade failed. Throws what a MAP throws, and RVB_BUDGET if the statement ends before all rows have run.
 */
export async function runEachRow(
  statement: StatementWithCascade,
  request: EachRowRequest,
): Promise<SqlCellOutcome> {
  const stop = new StatementSignal([statement.stop.signal]);
  const outer = statement.stop;
  if (outer.drained !== undefined) stop.drain(outer.drained);
  const offDrain = outer.onDrain(() => stop.drain(outer.drained!));
  // The rows share the budget of the whole statement: if they have used it up, the outer statement drains too.
  stop.onDrain(() => outer.drain(stop.drained!));
  const { limitMs } = request.query;
  const timer =
    limitMs === undefined
      ? undefined
      : setTimeout(() => stop.abandon(), Math.min(limitMs, TIMER_MAX_MS));
  try {
    return await runRows({ ...statement, stop }, request);
  } finally {
    clearTimeout(timer);
    offDrain();
    stop.dispose();
  }
}

async function runRows(
  outer: StatementWithCascade,
  { query, forEachRow, budget, advisories, ...settings }: EachRowRequest,
): Promise<SqlCellOutcome> {
  const { text, values, materialize: table = '' } = query;
  const { session, stop, ledger } = outer;
  const { signal } = stop;
  const failedBefore = ledger.figures.rows.failed;
  const cascade = cascadeOf(outer.cascade, forEachRow.cascadeHash)!;
  const columns = await session.describe(text, { parameters: values, signal });
  const taken = findColumn(columns, forEachRow.column);
  if (taken !== undefined) {
    throw new RvbbitError(
      'RVB_COLUMN_COLLISION',
      `the column "${forEachRow.column}" of the cascade's value has the name of the query's column "${taken.name}"; name it otherwise with as`,
      { stage: 'execute' },
    );
  }
  const plan: MapPlan = {
    kind: 'map',
    strategy: 'batch',
    cascadeFile: cascade.file,
    cascadeHash: cascade.hash,
    query: text,
    limit: { rows: null, source: 'query' },
    ...settings,
    dedupe: settings.calls.dedupe && cascade.sqlFunction?.['deterministic'] !== false,
    inputs: bindInputs(cascade, columns),
    resultColumn: forEachRow.column,
    target: {
      kind: 'create',
      table,
      create: `CREATE OR REPLACE TEMP TABLE ${quoteIdentifier(table)} AS`,
    },
  };
  const id = nextStatementId();
  const execution = await MapExecution.prepare(
    plan,
    { ...outer, id, cascade, parameters: values, budget },
    { growing: false },
  );
  try {
    await execution.run();
    if (stop.drained !== undefined) {
      const message = 'the statement ended before all rows had run; no table was made of them';
      throw new RvbbitError('RVB_BUDGET', message, { stage: 'execute' });
    }
    const rowCount = (await execution.writeTarget()) ?? 0;
    const names = execution.columns.map(({ name }) => name);
    const failed = ledger.figures.rows.failed - failedBefore;
    return { ok: true, columns: names, rows: [], rowCount, table, failed };
  } finally {
    advisories.add(execution.advisories.report);
    await execution.close();
  }
}

/** Finds the cascade with this hash among the cascades nested in `cascade`, at any depth. */
function cascadeOf(cascade: Cascade, hash: string): Cascade | undefined {
  for (const nested of Object.values(cascade.nested)) {
    const found = nested.hash === hash ? nested : cascadeOf(nested, hash);
    if (found !== undefined) return found;
  }
  return undefined;
}
