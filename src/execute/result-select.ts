/** The SELECT that puts a MAP's result together inside DuckDB: its staged rows joined to its runs. */
import { quoteIdentifier, quoteLiteral } from '../duck/quote.ts';
import type { StagedQuery } from '../duck/stage.ts';
import type { MapPlan } from '../plan/plan.ts';
import type { RowRange } from './execute-map.ts';

export interface ResultTables {
  readonly plan: MapPlan;
  readonly stage: StagedQuery;
  /** Rows to runs; undefined where row i is run i. */
  readonly mapTable: string | undefined;
  readonly valuesTable: string;
  readonly failuresTable: string;
  readonly range?: RowRange;
}

export function resultSelect(tables: ResultTables): string {
  const { plan, stage, mapTable, valuesTable, failuresTable, range } = tables;
  const { onError, resultColumn, errorColumn } = plan;
  const ordinal = `s.${stage.ordinal}`;
  const run = mapTable === undefined ? ordinal : 'm.run';
  const needsFailures = onError.kind === 'skip' || onError.kind === 'default' || errorColumn !== undefined;
  const value =
    onError.kind === 'default'
      ? `CASE WHEN f.run IS NULL THEN r.value ELSE ${quoteLiteral(onError.value)} END`
      : 'r.value';
  const columns = [
    ...stage.columns.map(({ name }) => `s.${quoteIdentifier(name)}`),
    `${value} AS ${quoteIdentifier(resultColumn)}`,
  ];
  if (errorColumn !== undefined) {
    columns.push(
      `CASE WHEN f.run IS NULL THEN NULL ELSE struct_pack(code := f.code, message := f.message, attempts := f.attempts) END AS ${quoteIdentifier(errorColumn)}`,
    );
  }
  const conditions = [
    ...(range === undefined ? [] : [`${ordinal} >= ${range.from}`, `${ordinal} < ${range.to}`]),
    ...(onError.kind === 'skip' ? ['f.run IS NULL'] : []),
  ];
  return [
    `SELECT ${columns.join(', ')}`,
    `FROM ${stage.table} s`,
    ...(mapTable === undefined ? [] : [`JOIN ${mapTable} m ON m."row" = ${ordinal}`]),
    `LEFT JOIN ${valuesTable} r ON r.run = ${run}`,
    ...(needsFailures ? [`LEFT JOIN ${failuresTable} f ON f.run = ${run}`] : []),
    ...(conditions.length === 0 ? [] : [`WHERE ${conditions.join(' AND ')}`]),
    `ORDER BY ${ordinal}`,
  ].join('\n');
}
