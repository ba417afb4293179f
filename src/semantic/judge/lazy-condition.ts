/**
 * Rewrites AND and OR as CASE, which is lazy: an operator is evaluated only where conditions that cost nothing leave
 * the result open.
 */
import type { SqlNode } from '../../duck/parse-sql.ts';
import { conjunction, conjuncts, holds, inTurn, isNode, nodesOf } from '../plan/query-tree.ts';
import { asFilter, caseOf, literal, negated } from '../plan/tree-logic.ts';

/** Tests for the nodes of a tree. */
export interface NodeTests {
  readonly isOperator: (node: SqlNode) => boolean;
  /** True if two evaluations of the node may differ. */
  readonly isUnstable: (node: SqlNode) => boolean;
}

/** Keys below which only TRUE counts: NULL and FALSE leave out the same rows. */
const FILTER_KEYS = new Set(['when_expr', 'filter', 'filter_expr']);

/**
 * The SELECT with its conditions made lazy; queries inside it stay as they are. An item of the select list without a
 * name keeps its form, because DuckDB names the column after it, unless `names` has a name for each item. With GROUP BY
 * all items keep their form, because an item may have to equal a group's expression.
 */
export function lazySelect(
  node: SqlNode,
  tests: NodeTests,
  names: readonly string[] = [],
): SqlNode {
  const isGrouped = nodesOf(node['group_expressions']).length > 0;
  const { from, moved } = withoutInnerConditions(node['from_table'], tests);
  const parts = [...conjuncts(node['where_clause']), ...moved];
  const lazy: Record<string, unknown> = {
    ...node,
    from_table: lazyJoins(from, tests),
    where_clause: conjunction(parts),
  };
  for (const key of ['where_clause', 'having', 'qualify']) {
    const condition = lazy[key];
    lazy[key] = isNode(condition) ? lazyConjunction(condition, tests) : condition;
  }
  if (isGrouped) return lazy;
  const items = nodesOf(node['select_list']);
  const hasName = items.length === names.length;
  const list = items.map((item, index) => {
    const name = String(item['alias']) || (hasName ? names[index]! : '');
    const lazy = name === '' ? item : lazyExpression(item, tests, false);
    return JSON.stringify(lazy) === JSON.stringify(item) ? item : { ...lazy, alias: name };
  });
  return { ...lazy, select_list: list };
}

/** Moves conditions with operators from the ON of an inner join to the WHERE, where a LIMIT can stop at them. */
function withoutInnerConditions(
  from: unknown,
  tests: NodeTests,
  isOutermost = true,
): { readonly from: unknown; readonly moved: readonly SqlNode[] } {
  if (!isNode(from) || from['join_type'] !== 'INNER') return { from, moved: [] };
  const left = withoutInnerConditions(from['left'], tests, false);
  const right = withoutInnerConditions(from['right'], tests, false);
  const parts = conjuncts(from['condition']);
  // In the WHERE, a column name without its table may become ambiguous, if its join stands below another join.
  const isNamed = (part: SqlNode) =>
    isOutermost ||
    !holds(part, ({ column_names: names }) => Array.isArray(names) && names.length < 2);
  const isPlainJoin = from['ref_type'] === 'REGULAR';
  const own = parts.filter((part) => isPlainJoin && holds(part, tests.isOperator) && isNamed(part));
  const rest = conjunction(parts.filter((part) => !own.includes(part)));
  return {
    from: {
      ...from,
      left: left.from,
      right: right.from,
      ...(own.length === 0 ? {} : { condition: rest }),
      ...(own.length > 0 && rest === null ? { ref_type: 'CROSS' } : {}),
    },
    moved: [...left.moved, ...right.moved, ...own],
  };
}

/** A FROM whose join conditions are lazy: operators are evaluated only for pairs of rows that meet the plain conditions. */
function lazyJoins(from: unknown, tests: NodeTests): unknown {
  if (!isNode(from) || from['type'] !== 'JOIN') return from;
  const parts = conjuncts(from['condition']).map((part) => lazyExpression(part, tests, true));
  const plain = parts.filter((part) => !holds(part, tests.isOperator));
  const others = parts.filter((part) => !plain.includes(part));
  const isChained = others.length > 0 && !holds(plain, tests.isUnstable);
  const first = isChained ? (conjunction(plain) ?? []) : [];
  return {
    ...from,
    left: lazyJoins(from['left'], tests),
    right: lazyJoins(from['right'], tests),
    condition: isChained
      ? conjunction([...plain, inTurn([first, ...others].flat())!])
      : conjunction(parts),
  };
}

/**
 * A WHERE with lazy parts. The parts stay apart, so that DuckDB can move the plain ones and the planner can order the
 * others.
 */
function lazyConjunction(where: SqlNode, tests: NodeTests): SqlNode {
  return conjunction(conjuncts(where).map((part) => lazyExpression(part, tests, true)))!;
}

/** The SELECT whose conditions with operators are evaluated one after another, in the order in which they stand. */
export function chained(node: SqlNode, { isOperator }: NodeTests): SqlNode {
  const parts = conjuncts(node['where_clause']);
  const others = parts.filter((part) => holds(part, isOperator));
  if (others.length < 2) return node;
  const plain = parts.filter((part) => !others.includes(part));
  return { ...node, where_clause: conjunction([...plain, inTurn(others)!]) };
}

/** An expression with every AND and OR around an operator made lazy. `isFilter`: NULL counts as FALSE. */
export function lazyExpression(expression: SqlNode, tests: NodeTests, isFilter: boolean): SqlNode {
  const walk = (value: unknown, inFilter: boolean): unknown => {
    if (Array.isArray(value)) return value.map((item) => walk(item, inFilter));
    if (!isNode(value) || !holds(value, tests.isOperator)) return value;
    return value['class'] === 'SUBQUERY' ? value : lazyNode(value, inFilter);
  };
  const lazyNode = (node: SqlNode, inFilter: boolean): SqlNode => {
    const isAnd = node['type'] === 'CONJUNCTION_AND';
    if (isAnd || node['type'] === 'CONJUNCTION_OR') {
      const parts = nodesOf(node['children']).map((child) => walk(child, inFilter) as SqlNode);
      const lazy = inFilter ? decided(parts, isAnd, tests) : settled(parts, isAnd, tests);
      return { ...lazy, alias: node['alias'] ?? '' };
    }
    const isCase = node['class'] === 'CASE';
    const copy: Record<string, unknown> = {};
    for (const [key, child] of Object.entries(node)) {
      const keeps = inFilter && (isCase || key === 'then_expr');
      copy[key] = walk(child, keeps || FILTER_KEYS.has(key));
    }
    return copy;
  };
  return walk(expression, isFilter) as SqlNode;
}

/** For a filter: plain parts first, then each operator only where the parts before it do not decide. */
function decided(parts: readonly SqlNode[], isAnd: boolean, tests: NodeTests): SqlNode {
  const plain = parts.filter((part) => !holds(part, tests.isOperator));
  const others = parts.filter((part) => !plain.includes(part));
  const first = joined(plain, isAnd);
  return asFilter(first === undefined ? others : [first, ...others], isAnd);
}

/** Where NULL and FALSE differ, a part is evaluated a second time when it does not decide alone: it may be NULL. */
function settled(parts: readonly SqlNode[], isAnd: boolean, tests: NodeTests): SqlNode {
  const plain = parts.filter((part) => !holds(part, tests.isOperator));
  const others = parts.filter((part) => !plain.includes(part));
  const first = joined(plain, isAnd);
  return (first === undefined ? others : [first, ...others]).reduceRight((rest, part) => {
    const both = joined([part, rest], isAnd)!;
    if (holds(part, tests.isUnstable)) return both;
    return isAnd ? caseOf(negated(part), literal(false), both) : caseOf(part, literal(true), both);
  });
}

function joined(parts: readonly SqlNode[], isAnd: boolean): SqlNode | undefined {
  const and = conjunction(parts) ?? undefined;
  return isAnd || parts.length < 2 ? and : { ...and, type: 'CONJUNCTION_OR' };
}
