/** The data of a MAP: its query's rows, the runs that these rows need, and the values of the runs. */
import { type StagedQuery, stageQuery } from '../duck/stage.ts';
import { ERROR_TYPE, type MapPlan } from '../plan/plan.ts';
import type { ResultColumn, Row, ValueForm } from '../result.ts';
import type { RunInputs } from './chunk.ts';
import type { RunSink } from './execute-runs.ts';
import type { StatementWithCascade } from './statement.ts';

/** The rows `[from, to)` of the MAP's query, by ordinal. */
export interface RowRange {
  readonly from: number;
  readonly to: number;
}

/** Called when the values of more runs can be read. `storedRuns` is the number of readable runs, counted from the first run. */
export type OnStored = (storedRuns: number) => void;

/** A MAP's rows and values, in memory or in DuckDB. `close` drops all that was made, and never throws. */
export interface MapRows extends RunInputs, RunSink {
  /** The query's columns, without those that the MAP adds. */
  readonly columns: readonly ResultColumn[];
  readonly rowCount: number;
  /** True if the plan's limit left rows out. */
  readonly cut: boolean;
  /** The number of rows that DISTINCT dropped. */
  readonly dropped: number;
  /** Returns how many rows, counted from the first row, have their values once the first `settledRuns` runs have settled. */
  rowsKnown(settledRuns: number): Promise<number>;
  /** Resolves once all that was written can be read. */
  finish(): Promise<void>;
  /** Throws RVB_SQL if stored runs are gone, because `rows` would lack them. */
  check(): Promise<void>;
  /**
   * Returns the result's rows in order, for all rows of the query or a range of them, without rows that the result
   * leaves out.
   */
  rows(form: ValueForm, range?: RowRange): Promise<readonly Row[]>;
  close(): Promise<void>;
}

/** Returns the columns that a MAP adds to its query's columns. */
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

/** Reads the plan's query into a temp table in row order. DISTINCT applies before the limit. */
export function stageMap(plan: MapPlan, statement: StatementWithCascade): Promise<StagedQuery> {
  return stageQuery(statement.session, plan.query, {
    limit: plan.limit.rows ?? undefined,
    parameters: statement.parameters,
    distinct: plan.distinct,
    signal: statement.stop.signal,
  });
}
