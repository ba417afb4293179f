/** Builds the SELECT that joins a MAP's staged rows to its runs inside DuckDB. */
import { quoteIdentifier, quoteLiteral } from '../duck/quote.ts';
import type { StagedQuery } from '../duck/stage.ts';
import { ERROR_TYPE, type MapPlan } from '../plan/plan.ts';
import { typedColumns } from '../plan/typed-value.ts';
import type { RowRange } from './map-rows.ts';

export interface ResultTables {
  readonly plan: MapPlan;
  readonly stage: StagedQuery;
  /** The table that maps rows to runs; undefined if row i is run i. */
  readonly mapTable: string | undefined;
  readonly valuesTable: string;
  /** Undefined if no run failed. */
  readonly failuresTable: string | undefined;
  readonly range?: RowRange;
  /** True if every run is in `valuesTable`. If false, the rows of the other runs are left out. */
  readonly complete: boolean;
  /** True if the rows go into a table, which DuckDB fills in the order of its scan. */
  readonly intoTable: boolean;
}

/** Selects every row once, in order, without the rows that `on_error = 'skip'` drops or that were not run. */
export function resultSelect(tables: ResultTables): string {
  const { plan, stage, mapTable, valuesTable, failuresTable, range } = tables;
  const columns = selectList(tables).join(', ');
  // If row i is run i, the two tables are joined by position, without a hash table or a sort.
  if (
    tables.complete &&
    tables.intoTable &&
    mapTable === undefined &&
    failuresTable === undefined
  ) {
    return `SELECT ${columns}\nFROM ${stage.table} s POSITIONAL JOIN ${valuesTable} r`;
  }
  const ordinal = `s.${stage.ordinal}`;
  const run = mapTable === undefined ? ordinal : 'm.run';
  const conditions = [
    ...(range === undefined ? [] : [`${ordinal} >= ${range.from}`, `${ordinal} < ${range.to}`]),
    ...(plan.onError.kind === 'skip' && failuresTable !== undefined ? ['f.run IS NULL'] : []),
  ];
  return [
    `SELECT ${columns}`,
    `FROM ${stage.table} s`,
    ...(mapTable === undefined ? [] : [`JOIN ${mapTable} m ON m."row" = ${ordinal}`]),
    `${tables.complete ? 'LEFT ' : ''}JOIN ${valuesTable} r ON r.run = ${run}`,
    ...(failuresTable === undefined ? [] : [`LEFT JOIN ${failuresTable} f ON f.run = ${run}`]),
    ...(conditions.length === 0 ? [] : [`WHERE ${conditions.join(' AND ')}`]),
    `ORDER BY ${ordinal}`,
  ].join('\n');
}

function selectList({ plan, stage, failuresTable }: ResultTables): string[] {
  const { onError, resultColumn, fields, errorColumn } = plan;
  const value =
    onError.kind === 'default' && failuresTable !== undefined
      ? `CASE WHEN f.run IS NULL THEN r.value ELSE ${quoteLiteral(onError.value)} END`
      : 'r.value';
  const columns = [
    ...stage.columns.map(({ name }) => `s.${quoteIdentifier(name)}`),
    ...(fields === undefined
      ? [`${value} AS ${quoteIdentifier(resultColumn)}`]
      : typedColumns(fields, value)),
  ];
  if (errorColumn !== undefined) {
    const error =
      failuresTable === undefined
        ? `CAST(NULL AS ${ERROR_TYPE})`
        : 'CASE WHEN f.run IS NULL THEN NULL ELSE struct_pack(code := f.code, message := f.message, attempts := f.attempts) END';
    columns.push(`${error} AS ${quoteIdentifier(errorColumn)}`);
  }
  return columns;
}
