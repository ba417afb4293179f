/** Finds the answers of expressions that need some of their operators only, such as `CASE WHEN d MEANS 'x' THEN … WHEN d MEANS 'y' …`. */
import type { SqlNode } from '../../duck/parse-sql.ts';
import { passesOf } from '../find-answers.ts';
import { Candidates } from '../plan/candidates.ts';
import { whereOf } from '../plan/planned-query.ts';
import { isReason } from '../plan/planned-select.ts';
import type { QueryPlan } from '../plan/query-plan.ts';
import { holds, nodesOf } from '../plan/query-tree.ts';
import type { SemanticQuery } from '../semantic-query.ts';
import { RowJudge } from './decide-rows.ts';
import { needsOf } from './needs.ts';

/**
 * Asks what the items of the select list and of GROUP BY need in the rows that meet the conditions, in this order: each
 * operator only where those before it do not make it needless. What cannot be told here is met when the query is run.
 */
export async function fillItems(
  run: SemanticQuery,
  plan: QueryPlan,
  order: readonly SqlNode[],
): Promise<void> {
  const items = [...nodesOf(plan.node['select_list']), ...nodesOf(plan.node['group_expressions'])];
  const choosy = items.filter((item) => isChoosy(item, plan) && isOfRow(item, plan));
  if (choosy.length === 0) return;
  const where = whereOf(plan, order);
  const over = { ...plan, plain: where === null ? [] : [where], hints: [], semantic: choosy };
  try {
    const candidates = await Candidates.stage(run.statement, over, 'distinct', (query) =>
      passesOf(run, query),
    );
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

/** Whether it has several operators, and something in it may make one of them needless. */
function isChoosy(item: SqlNode, { isOperator }: QueryPlan): boolean {
  let operators = 0;
  holds(item, (node) => {
    if (isOperator(node)) operators += 1;
    return false;
  });
  const isLazy = ({ type }: SqlNode) => type === 'CASE_EXPR' || /^CONJUNCTION_/.test(String(type));
  return operators > 1 && holds(item, isLazy);
}

/** Whether all beside the operators can be said of a row: an aggregate may stand around them only. */
function isOfRow(item: SqlNode, { isOperator, isScalar }: QueryPlan): boolean {
  return !holds(item, (node) => {
    if (holds(node, isOperator)) return false;
    return node['class'] === 'WINDOW' || (node['class'] === 'FUNCTION' && !isScalar(node));
  });
}
