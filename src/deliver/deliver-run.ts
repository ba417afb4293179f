/** Executes a RUN plan and delivers its one row, to the caller or into a table. */
import { quoteIdentifier, quoteLiteral } from '../duck/quote.ts';
import { executeRun } from '../execute/execute-run.ts';
import { mayWrite } from '../execute/may-write.ts';
import type { StatementEnv } from '../execute/statement-env.ts';
import type { RunPlan } from '../plan/plan.ts';
import type { Notice } from '../result.ts';
import {
  cascadeNotices,
  type Delivered,
  endNotices,
  limitNotice,
  NOTHING,
  shadowNotice,
  targetsOf,
} from './delivered.ts';

export async function deliverRun(plan: RunPlan, env: StatementEnv): Promise<Delivered> {
  const { report, cut, shadows, advisories } = await executeRun(plan, env);
  const notices: Notice[] = [...cascadeNotices(env.cascade.warnings), ...advisories.notices()];
  if (cut && plan.limit.source === 'default') notices.push(limitNotice('run'));
  if (shadows) notices.push(shadowNotice(plan.asTable));
  const { target } = plan;
  notices.push(...endNotices(env, target.kind === 'create'));
  const writes = await mayWrite(env, targetsOf(target, env));
  const text = JSON.stringify(report);
  if (target.kind === 'create') {
    // As for a MAP: the table would be in the way of the run that completes it.
    if (!writes) return { ...NOTHING, notices };
    const column = quoteIdentifier(plan.resultColumn);
    await env.session.run(`${target.create}\nSELECT ${quoteLiteral(text)} AS ${column}`, {
      signal: env.stop.signal,
    });
    return { columns: [], rows: [], rowCount: 1, notices };
  }
  return {
    columns: [{ name: plan.resultColumn, type: 'VARCHAR' }],
    rows: [{ [plan.resultColumn]: text }],
    rowCount: 1,
    notices,
  };
}
