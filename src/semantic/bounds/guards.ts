/**
 * Makes DuckDB evaluate operators only where the conditions before them hold. DuckDB puts the parts of an AND into an
 * order by the time that they took, and moves a condition below a join: a CASE has neither done to it.
 */
import type { SqlNode } from '../../duck/parse-sql.ts';
import { lazySelect } from '../judge/lazy-condition.ts';
import type { FunctionFacts } from '../plan/function-facts.ts';
import { chainedWhere } from '../plan/planned-query.ts';
import { planSelect, type QueryPlan } from '../plan/query-plan.ts';
import { holds, isNode } from '../plan/query-tree.ts';
import { caseOf, literal } from '../plan/tree-logic.ts';
import { isVarying, isVolatile } from '../plan/unstable.ts';
import type { OperatorUse } from '../read/use.ts';

/** The query with every SELECT in it guarded. `names` are the names of its columns. */
export function guarded(
  node: SqlNode,
  uses: readonly OperatorUse[],
  facts: FunctionFacts,
  names: readonly string[] = [],
): SqlNode {
  const isUnstable = (part: SqlNode) => isVarying(part, facts) || isVolatile(part, facts);
  const guard = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(guard);
    if (!isNode(value)) return value;
    const copy: SqlNode = Object.fromEntries(
      Object.entries(value).map(([key, child]) => [key, guard(child)]),
    );
    if (value['type'] !== 'SELECT_NODE') return copy;
    const { isOperator } = planSelect({ uses }, { node: copy, parameters: [] }, facts);
    const lazy = lazySelect(copy, { isOperator, isUnstable }, value === node ? names : []);
    const plan = planSelect({ uses }, { node: lazy, parameters: [] }, facts);
    return { ...lazy, where_clause: chainedWhere({ ...plan, semantic: inRowOrder(plan) }) };
  };
  return guard(node) as SqlNode;
}

/**
 * The conditions with operators. Under a LIMIT without an order, DuckDB would give the rows of a semi join in the order of
 * a hash table; a CASE keeps it from making such a join of a query in the WHERE.
 */
function inRowOrder({ limit, order, semantic }: QueryPlan): readonly SqlNode[] {
  if (limit === undefined || order !== undefined) return semantic;
  return semantic.map((part) => {
    const isQuery = holds(part, (node) => node['class'] === 'SUBQUERY');
    return isQuery ? caseOf(part, literal(true), literal(false)) : part;
  });
}
