/**
 * The parts of a query that the planner works with: the plain conditions, the conditions with operators, and what its
 * LIMIT allows.
 */
import type { SqlNode } from '../../duck/parse-sql.ts';
import type { SemanticStatement } from '../read/read-statement.ts';
import type { OperatorUse } from '../read/use.ts';
import type { FunctionFacts } from './function-facts.ts';
import {
  conjuncts,
  holds,
  integerOf,
  isNode,
  nodesOf,
  rowsWanted,
  Unplannable,
} from './query-tree.ts';
import { isVolatile } from './unstable.ts';

export interface QueryPlan {
  /** The planned SELECT, and the parameters that its statement names. */
  readonly node: SqlNode;
  readonly parameters: unknown;
  readonly isOperator: (node: SqlNode) => boolean;
  /** The use that this node calls; undefined for every node that is not itself an operator's call. */
  readonly useOf: (node: SqlNode) => OperatorUse | undefined;
  /** Conditions of its WHERE without operators. */
  readonly plain: readonly SqlNode[];
  readonly semantic: readonly SqlNode[];
  /** The ORDER BY, if there is one. */
  readonly order: SqlNode | undefined;
  /** True if the ORDER BY neither holds an operator nor names an item that holds one. */
  readonly isPlainOrder: boolean;
  /** True if the ORDER BY names an item of the select list that holds an operator. */
  readonly ordersByItem: boolean;
  /** The sum of LIMIT and OFFSET; undefined if there is no LIMIT, or one of them is no number. */
  readonly rowsWanted: number | undefined;
  /** The rows of these that OFFSET skips. */
  readonly rowsSkipped: number;
  readonly limit: SqlNode | undefined;
  /** True if each row of the result comes from one row of FROM: no groups, DISTINCT, aggregates, or windows. */
  readonly isRowByRow: boolean;
  /** Whether a call is of a scalar function: it depends on the values of one row. */
  readonly isScalar: (call: SqlNode) => boolean;
  /** Whether a part of an expression may give another value each time it is evaluated. */
  readonly isVolatile: (expression: SqlNode) => boolean;
}

/** A query of DuckDB's tree, and the parameters that its statement names. */
export interface QueryRoot {
  readonly node: SqlNode;
  readonly parameters: unknown;
}

/** The statement's query. Throws Unplannable with the reason. */
export function rootOf({ tree }: SemanticStatement): QueryRoot {
  if (tree === undefined) throw new Unplannable('DuckDB gives no tree of it');
  const [only, ...more] = tree;
  const node = isNode(only?.['node']) ? only['node'] : undefined;
  if (node === undefined || more.length > 0) throw new Unplannable('it is not one query');
  return { node, parameters: only?.['named_param_map'] ?? [] };
}

/**
 * Finds the use that a node of the statement's tree calls; undefined for every node that is not itself an operator's
 * call.
 */
export function usesOf({
  uses,
}: Pick<SemanticStatement, 'uses'>): (node: SqlNode) => OperatorUse | undefined {
  const byName = new Map(
    uses.flatMap((use) => [
      [use.names.infix, use],
      [use.names.call, use],
    ]),
  );
  return (node) =>
    node['class'] === 'FUNCTION' ? byName.get(String(node['function_name'])) : undefined;
}

/** Takes a SELECT apart. Throws Unplannable with the reason. */
export function planSelect(
  statement: Pick<SemanticStatement, 'uses'>,
  { node, parameters }: QueryRoot,
  facts: FunctionFacts,
): QueryPlan {
  if (node['type'] !== 'SELECT_NODE') {
    throw new Unplannable('it joins several SELECTs, and each of them is planned by itself');
  }
  const useOf = usesOf(statement);
  const isOperator = (candidate: SqlNode) => useOf(candidate) !== undefined;
  const conditions = conjuncts(node['where_clause']);
  const semantic = conditions.filter((condition) => holds(condition, isOperator));
  const modifiers = nodesOf(node['modifiers']);
  const order = modifiers.find(({ type }) => type === 'ORDER_MODIFIER');
  const limit = modifiers.find(({ type }) => String(type).startsWith('LIMIT'));
  const ordersByItem = namesOperator(order, node, isOperator);
  return {
    node,
    parameters,
    isOperator,
    useOf,
    plain: conditions.filter((condition) => !semantic.includes(condition)),
    semantic,
    order,
    isPlainOrder: !holds(order, isOperator) && !ordersByItem,
    ordersByItem,
    rowsWanted: rowsWanted(modifiers),
    rowsSkipped: integerOf(limit?.['offset']) ?? 0,
    limit,
    isRowByRow: isRowByRow(node, modifiers, isOperator, facts.scalars),
    isScalar: (call) => facts.scalars.has(String(call['function_name']).toLowerCase()),
    isVolatile: (expression) => holds(expression, (part) => isVolatile(part, facts)),
  };
}

/** Whether ORDER BY names an item of the select list that holds an operator, by its alias or its number. */
function namesOperator(
  order: SqlNode | undefined,
  node: SqlNode,
  isOperator: (node: SqlNode) => boolean,
): boolean {
  const items = nodesOf(node['select_list']).filter((item) => holds(item, isOperator));
  if (order === undefined || items.length === 0) return false;
  const aliases = new Set(items.map(({ alias }) => String(alias).toLowerCase()));
  return holds(order, (candidate) => {
    const names = candidate['column_names'];
    if (Array.isArray(names)) return aliases.has(String(names.at(-1)).toLowerCase());
    return (
      candidate['class'] === 'CONSTANT' ||
      candidate['class'] === 'STAR' ||
      candidate['class'] === 'POSITIONAL_REFERENCE'
    );
  });
}

function isRowByRow(
  node: SqlNode,
  modifiers: readonly SqlNode[],
  isOperator: (node: SqlNode) => boolean,
  scalars: ReadonlySet<string>,
): boolean {
  const grouped =
    nodesOf(node['group_expressions']).length > 0 ||
    node['aggregate_handling'] !== 'STANDARD_HANDLING' ||
    isNode(node['having']) ||
    isNode(node['qualify']) ||
    isNode(node['sample']);
  if (grouped || modifiers.some(({ type }) => type === 'DISTINCT_MODIFIER')) return false;
  const items = [node['select_list'], modifiers];
  return !holds(items, (candidate) => {
    if (candidate['class'] === 'WINDOW') return true;
    if (candidate['class'] !== 'FUNCTION' || isOperator(candidate)) return false;
    return !scalars.has(String(candidate['function_name']).toLowerCase());
  });
}
