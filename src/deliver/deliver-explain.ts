/** Delivers EXPLAIN: reads the query to count its rows and distinct inputs, and runs nothing. */
import type { ExplainStatement } from '../../grammar/ast.ts';
import { dropStage, stageQuery } from '../duck/stage.ts';
import { stageRuns } from '../duck/stage-runs.ts';
import { stageMap } from '../execute/execute-map.ts';
import type { StatementEnv } from '../execute/statement-env.ts';
import { explainPlan, explainText } from '../plan/explain.ts';
import type { Plan } from '../plan/plan.ts';
import type { ExplainReport } from '../result.ts';
import type { Delivered } from './delivered.ts';

export async function explain(plan: Plan, env: StatementEnv): Promise<ExplainReport> {
  const { session, parameters, stop } = env;
  const { signal } = stop;
  const stage =
    plan.kind === 'map'
      ? await stageMap(plan, env)
      : await stageQuery(session, plan.query, {
          limit: plan.limit.rows ?? undefined,
          parameters,
          signal,
        });
  try {
    if (plan.kind === 'run') {
      const figures = {
        rows: stage.rowCount,
        deduped: 0,
        runs: 1,
        cut: stage.cut,
        sql: [stage.sql],
      };
      return explainPlan(plan, figures);
    }
    const keyColumns = plan.inputs.map(({ column }) => column);
    const runs = await stageRuns(session, stage, { keyColumns, dedupe: plan.dedupe, signal });
    try {
      return explainPlan(plan, {
        rows: stage.rowCount,
        deduped: stage.dropped,
        runs: runs.runCount,
        cut: stage.cut,
        sql: [stage.sql],
      });
    } finally {
      await runs.drop();
    }
  } finally {
    await dropStage(session, stage);
  }
}

export function deliverExplain(
  report: ExplainReport,
  format: ExplainStatement['format'],
): Delivered {
  const lines = format === 'json' ? [JSON.stringify(report)] : explainText(report, format);
  return {
    columns: [{ name: 'explain', type: 'VARCHAR' }],
    rows: lines.map((line) => ({ explain: line })),
    rowCount: lines.length,
    notices: [],
  };
}
