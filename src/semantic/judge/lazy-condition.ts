/** AND and OR as CASE, which is lazy: an operator is looked at only where what costs nothing leaves it open. */
import type { SqlNode } from '../../duck/parse-sql.ts';
import { conjunction, conjuncts, holds, inTurn, isNode, nodesOf } from '../plan/query-tree.ts';
import { asFilter, caseOf, literal, negated } from '../plan/tree-logic.ts';

/** What tells the nodes of a tree apart. */
export interface NodeTests {
  readonly isOperator: (node: SqlNode) => boolean;
  /** Evaluated twice, it may differ. */
  readonly isUnstable: (node: SqlNode) => boolean;
}

/** Keys below which only TRUE counts: NULL and FALSE leave out the same rows. */
const FILTER_KEYS = new Set(['when_expr', 'filter', 'filter_expr']);

/**
 * The SELECT with its conditions made lazy; queries in it stay. An item of the select list without a name keeps its
 * form, which DuckDB names it after, unless `names` has one for each; and so does what a GROUP BY may have to equal.
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

/** Conditions with operators that an inner join is ON are conditions of the WHERE, and a LIMIT can stop at them there. */
function withoutInnerConditions(
  from: unknown,
  tests: NodeTests,
  isOutermost = true,
): { readonly from: unknown; readonly moved: readonly SqlNode[] } {
  if (!isNode(from) || from['join_type'] !== 'INNER') return { from, moved: [] };
  const left = withoutInnerConditions(from['left'], tests, false);
  const right = withoutInnerConditions(from['right'], tests, false);
  const parts = conjuncts(from['condition']);
  // Below another join a column without its table's name may come to mean several.
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

/** A FROM with what its joins are ON made lazy: operators are looked at for pairs alone that meet the plain conditions. */
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

/** A WHERE: its parts stay apart, for DuckDB to move the plain ones and for the planner to put the others in order. */
function lazyConjunction(where: SqlNode, tests: NodeTests): SqlNode {
  return conjunction(conjuncts(where).map((part) => lazyExpression(part, tests, true)))!;
}

/** The SELECT with those parts of its WHERE that hold operators looked at in the order in which they stand. */
export function chained(node: SqlNode, { isOperator }: NodeTests): SqlNode {
  const parts = conjuncts(node['where_clause']);
  const others = parts.filter((part) => holds(part, isOperator));
  if (others.length < 2) return node;
  const plain = parts.filter((part) => !others.includes(part));
  return { ...node, where_clause: conjunction([...plain, inTurn(others)!]) };
}

/** An expression with every AND and OR around an operator made lazy. `isFilter`: only that it is TRUE counts. */
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

/** Plain parts first, then each operator only where those before it do not decide. */
function decided(parts: readonly SqlNode[], isAnd: boolean, tests: NodeTests): SqlNode {
  const plain = parts.filter((part) => !holds(part, tests.isOperator));
  const others = parts.filter((part) => !plain.includes(part));
  const first = joined(plain, isAnd);
  return asFilter(first === undefined ? others : [first, ...others], isAnd);
}

/** Where NULL and FALSE differ, a part is looked at twice: that it does not decide may be that it is NULL. */
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
