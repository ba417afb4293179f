/** EXPLAIN: what a plan would do, in figures and in words. No cascade runs. */
import type { ExplainReport } from '../result.ts';
import type { Plan } from './plan.ts';

/** What only reading the query can tell. */
export interface StagedFigures {
  readonly rows: number;
  readonly deduped: number;
  readonly runs: number;
  readonly cut: boolean;
  readonly sql: readonly string[];
}

export function explainPlan(plan: Plan, figures: StagedFigures): ExplainReport {
  return {
    statement: plan.kind,
    cascade: plan.cascadeFile,
    rows: figures.rows,
    deduped: figures.deduped,
    distinctInputs: figures.runs,
    runs: figures.runs,
    parallel: plan.parallel,
    limit: plan.limit,
    cut: figures.cut,
    strategy: plan.strategy,
    inputColumns: plan.kind === 'map' ? plan.inputs.map(({ column }) => column) : [],
    sql: figures.sql,
  };
}

/** The report as lines of text, a fact a line; `tree` draws them under the statement. */
export function explainText(report: ExplainReport, form: 'text' | 'tree'): readonly string[] {
  const head = `RVBBIT ${report.statement.toUpperCase()} '${report.cascade}'`;
  const limit =
    report.limit.source === 'query'
      ? "the query's own"
      : `${report.limit.rows} (${report.limit.source}${report.cut ? '; cuts rows off' : ''})`;
  const facts = [
    `rows: ${report.rows}`,
    ...(report.deduped > 0 ? [`dropped as duplicates: ${report.deduped}`] : []),
    `distinct inputs: ${report.distinctInputs}`,
    `runs: ${report.runs}`,
    `parallel: ${report.parallel}`,
    `limit: ${limit}`,
    `strategy: ${report.strategy}`,
    ...(report.statement === 'map'
      ? [`columns sent to the workers: ${report.inputColumns.join(', ') || 'none'}`]
      : []),
    ...report.sql.flatMap((text) => ['sql:', ...text.split('\n').map((line) => `  ${line}`)]),
  ];
  if (form === 'text') return [head, ...facts.map((fact) => `  ${fact}`)];
  return [
    head,
    ...facts.map((fact, index) => `${index === facts.length - 1 ? '└─' : '├─'} ${fact}`),
  ];
}
