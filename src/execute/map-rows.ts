/** What a MAP works on and gives: its query's rows, the runs that they need, the values that come of them. */
import { type StagedQuery, stageQuery } from '../duck/stage.ts';
import { ERROR_TYPE, type MapPlan } from '../plan/plan.ts';
import type { ResultColumn, Row, ValueForm } from '../result.ts';
import type { RunInputs } from './chunk.ts';
import type { RunSink } from './execute-runs.ts';
import type { StatementWithCascade } from './statement.ts';

/** Rows `[from, to)` of the result, by ordinal. */
export interface RowRange {
  readonly from: number;
  readonly to: number;
}

/** Called as values of runs can be read: how many, counted from the first run on. */
export type OnStored = (storedRuns: number) => void;

/** Kept in memory or in DuckDB. `close` drops what was made, and never throws. */
export interface MapRows extends RunInputs, RunSink {
  /** The query's columns, without those that the MAP adds. */
  readonly columns: readonly ResultColumn[];
  readonly rowCount: number;
  /** True where the plan's limit left rows out. */
  readonly cut: boolean;
  /** Rows that DISTINCT dropped. */
  readonly dropped: number;
  /** How many rows are known once the first `settledRuns` runs are. */
  rowsKnown(settledRuns: number): Promise<number>;
  /** Resolves once all that was written can be read. */
  finish(): Promise<void>;
  /** Throws RVB_SQL where runs that were stored are gone: `rows` would lack them. */
  check(): Promise<void>;
  /** Rows of the result in order, or of a range of the query's rows, less those that are left out. */
  rows(form: ValueForm, range?: RowRange): Promise<readonly Row[]>;
  close(): Promise<void>;
}

/** The columns that a MAP adds to its query's. */
export function addedColumns({
  resultColumn,
  fields,
  errorColumn,
}: MapPlan): readonly ResultColumn[] {
  return [
    ...(fields?.map(({ name, type }) => ({ name, type })) ?? [
      { name: resultColumn, type: 'VARCHAR' },
    ]),
    ...(errorColumn === undefined ? [] : [{ name: errorColumn, type: ERROR_TYPE }]),
  ];
}

/** Reads the plan's query into a temp table, in row order, distinct rows first, then the limit. */
export function stageMap(plan: MapPlan, statement: StatementWithCascade): Promise<StagedQuery> {
  return stageQuery(statement.session, plan.query, {
    limit: plan.limit.rows ?? undefined,
    parameters: statement.parameters,
    distinct: plan.distinct,
    signal: statement.stop.signal,
  });
}
