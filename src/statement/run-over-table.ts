/** Executes a RUN plan and delivers its one row, to the caller or into a table. */

import {
  cascadeNotices,
  type Delivered,
  endNotices,
  limitNotice,
  NOTHING,
  shadowNotice,
} from '../deliver/delivered.ts';
import { quoteIdentifier, quoteLiteral } from '../duck/quote.ts';
import { executeRun } from '../execute/execute-run.ts';
import { mayWrite, targetsOf } from '../execute/may-write.ts';
import type { StatementWithCascade } from '../execute/statement.ts';
import type { RunPlan } from '../plan/plan.ts';
import type { Notice } from '../result.ts';

export async function deliverRun(
  plan: RunPlan,
  statement: StatementWithCascade,
): Promise<Delivered> {
  const { report, cut, shadows, advisories } = await executeRun(plan, statement);
  const notices: Notice[] = [
    ...cascadeNotices(statement.cascade.warnings),
    ...advisories.notices(),
  ];
  if (cut && plan.limit.source === 'default') notices.push(limitNotice('run'));
  if (shadows) notices.push(shadowNotice(plan.asTable));
  const { target } = plan;
  notices.push(...endNotices(statement, target.kind === 'create'));
  const writes = await mayWrite(statement, targetsOf(target, statement));
  const text = JSON.stringify(report);
  if (target.kind === 'create') {
    // As for a MAP: the table would be in the way of the run that completes it.
    if (!writes) return { ...NOTHING, notices };
    const column = quoteIdentifier(plan.resultColumn);
    await statement.session.run(`${target.create}\nSELECT ${quoteLiteral(text)} AS ${column}`, {
      signal: statement.stop.signal,
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
