/**
 * Finds the answers that a select list needs: `CASE WHEN d MEANS 'x' THEN … WHEN d MEANS 'y' …` needs only some of
 * them.
 */
import type { SqlNode } from '../../duck/parse-sql.ts';
import { passesOf } from '../find-answers.ts';
import { Candidates } from '../plan/candidates.ts';
import { whereOf } from '../plan/planned-query.ts';
import type { QueryPlan } from '../plan/query-plan.ts';
import { holds, isNode, isReason, nodesOf } from '../plan/query-tree.ts';
import type { SemanticQuery } from '../semantic-query.ts';
import { RowJudge } from './decide-rows.ts';
import { needsOf } from './needs.ts';

/**
 * Asks the questions that the items of the select list, and then of GROUP BY, need in the rows that meet the
 * conditions. An operator is asked only where those before it do not make it needless. Questions that cannot be told
 * here are met when the query is run.
 */
export async function fillItems(
  run: SemanticQuery,
  plan: QueryPlan,
  order: readonly SqlNode[],
): Promise<void> {
  const items = [...nodesOf(plan.node['select_list']), ...nodesOf(plan.node['group_expressions'])];
  // DuckDB may leave out groups by their keys before it looks at anything else in them.
  if (isNode(plan.node['having']) || isNode(plan.node['qualify'])) return;
  const asking = items.filter((item) => holds(item, plan.isOperator) && isOfRow(item, plan));
  if (asking.length === 0) return;
  const where = whereOf(plan, order);
  const over = { ...plan, plain: where === null ? [] : [where], semantic: asking };
  try {
    const candidates = await Candidates.stage(run.statement, over, 'distinct', (query) =>
      passesOf(run, query),
    );
    run.expectedRows = Math.max(run.expectedRows, candidates.inputRows);
    try {
      const of = candidates.conditions.map((item) => needsOf(item, plan.useOf));
      const judge = new RowJudge(run, candidates, { kind: 'each', of });
      await judge.decide(await candidates.distinctRows(judge.leaves, []));
    } finally {
      await candidates.drop();
    }
  } catch (thrown) {
    if (!isReason(thrown)) throw thrown;
  }
}

/** Whether all parts beside the operators can be computed from one row; an aggregate is allowed only around an operator. */
function isOfRow(item: SqlNode, { isOperator, isScalar }: QueryPlan): boolean {
  return !holds(item, (node) => {
    if (holds(node, isOperator)) return false;
    return node['class'] === 'WINDOW' || (node['class'] === 'FUNCTION' && !isScalar(node));
  });
}
