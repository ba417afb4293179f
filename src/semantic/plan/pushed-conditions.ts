/**
 * Rewrites plain conditions of a query for a query in its FROM. DuckDB evaluates them there, so no question has to be
 * asked for rows that they leave out.
 */
import type { SqlNode } from '../../duck/parse-sql.ts';
import type { QueryPlan } from './query-plan.ts';
import { columnRef, conjuncts, holds, isNode, mapTree, nodesOf } from './query-tree.ts';

/** How the outer query sees an inner query, which stands in its FROM or WITH. */
export interface Relation {
  readonly name: string;
  /** True if FROM holds nothing else: columns then need not name the relation. */
  readonly isAlone: boolean;
}

/** The query around an inner query. */
export interface Around {
  readonly node: SqlNode;
  /** Plain conditions of the queries around this one, in terms of its FROM. */
  readonly hints: readonly SqlNode[];
  readonly relation: Relation;
}

/**
 * The conditions of `around` that depend on the relation alone, rewritten over the FROM of `inner`. They only limit
 * which questions are asked ahead: a row that is needed all the same is asked when the query meets it.
 */
export function pushedConditions(
  around: Around,
  inner: QueryPlan,
  isFixed: (node: SqlNode) => boolean,
): readonly SqlNode[] {
  if (!inner.isRowByRow || inner.limit !== undefined) return [];
  const pushed: SqlNode[] = [];
  for (const condition of [...conjuncts(around.node['where_clause']), ...around.hints]) {
    if (holds(condition, (node) => isFixed(node) || node['class'] === 'SUBQUERY')) continue;
    if (!holds(condition, ({ class: kind }) => kind === 'COLUMN_REF')) continue;
    const moved = movedInto(condition, around.relation, inner);
    if (moved !== undefined) pushed.push(moved);
  }
  return pushed;
}

/** The condition with the inner query's expressions in place of its columns; undefined if a column has none. */
function movedInto(condition: SqlNode, relation: Relation, inner: QueryPlan): SqlNode | undefined {
  let isComplete = true;
  const moved = mapTree(condition, (part) => {
    if (part['class'] !== 'COLUMN_REF') return undefined;
    const expression = expressionOf(part['column_names'], relation, inner);
    if (expression === undefined) isComplete = false;
    return expression ?? part;
  }) as SqlNode;
  return isComplete ? moved : undefined;
}

/** The inner query's expression for a column by its names; undefined if it is not known, or holds an operator. */
export function expressionOf(
  names: unknown,
  { name, isAlone }: Relation,
  { node, isOperator }: QueryPlan,
): SqlNode | undefined {
  const parts = (names as readonly string[]).map((part) => part.toLowerCase());
  const isNamed = parts.length === 2 && parts[0] === name.toLowerCase();
  const column = isNamed ? parts[1] : isAlone && parts.length === 1 ? parts[0] : undefined;
  if (column === undefined) return undefined;
  const items = nodesOf(node['select_list']);
  const stars = items.filter((item) => item['class'] === 'STAR');
  const same = items.filter((item) => nameOf(item) === column);
  if (stars.length === 0 && same.length === 1 && !holds(same[0], isOperator)) {
    return { ...same[0], alias: '' };
  }
  const isPassedOn = same.length === 0 && stars.length === 1 && isPlainStar(stars[0]!);
  return isPassedOn ? columnRef(column) : undefined;
}

/** The name of an item in lower case; '' where DuckDB names the column after the item's text. */
export function nameOf(item: SqlNode): string {
  const alias = String(item['alias'] ?? '');
  const names = item['column_names'];
  return (alias || (Array.isArray(names) ? String(names.at(-1)) : '')).toLowerCase();
}

/** `*`, with nothing left out or replaced. */
export function isPlainStar(item: SqlNode): boolean {
  const lists = ['exclude_list', 'replace_list', 'qualified_exclude_list', 'rename_list'];
  const isBare = lists.every((key) => nodesOf(item[key]).length === 0 && !hasEntries(item[key]));
  return isBare && item['relation_name'] === '' && !isNode(item['expr']);
}

function hasEntries(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0;
}
