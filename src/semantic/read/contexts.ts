/** Reads from DuckDB's tree, for each operator: whether a BOOLEAN is needed there, whether it orders rows, its arguments. */
import type { SqlNode } from '../../duck/parse-sql.ts';
import { holds, nodesOf } from '../plan/query-tree.ts';

/** The surroundings of an operator. */
export interface OperatorContext {
  /** True if a BOOLEAN is needed: in WHERE, ON, CASE WHEN, under AND, OR, NOT, … */
  readonly isCondition: boolean;
  /** True if it is an ORDER BY term without ASC or DESC. */
  readonly isPlainOrder: boolean;
  /** For each argument: true if its value can differ between rows. */
  readonly varies: readonly boolean[];
}

/** Keys of a node that hold a condition, by the node's class or type. */
const CONDITIONS: Readonly<Record<string, readonly string[]>> = {
  SELECT_NODE: ['where_clause', 'having', 'qualify'],
  JOIN: ['condition'],
  FUNCTION: ['filter'],
  WINDOW: ['filter_expr'],
};
/** Functions whose lambda decides which elements stay. */
const FILTER_FUNCTIONS = new Set(['list_filter', 'array_filter', 'filter']);

/** The contexts of all functions in a tree whose names `isOperator` accepts, by name. */
export function operatorContexts(
  tree: unknown,
  isOperator: (name: string) => boolean,
): ReadonlyMap<string, OperatorContext> {
  const contexts = new Map<string, OperatorContext>();
  const visit = (value: unknown, isCondition: boolean, isPlainOrder: boolean): void => {
    if (Array.isArray(value)) {
      for (const item of value) visit(item, isCondition, false);
      return;
    }
    if (typeof value !== 'object' || value === null) return;
    const node = value as SqlNode;
    const name = node['function_name'];
    if (typeof name === 'string' && isOperator(name))
      contexts.set(name, {
        isCondition,
        isPlainOrder,
        varies: nodesOf(node['children']).map((argument) => holds(argument, variesByRow)),
      });
    if (
      'expression' in node &&
      typeof node['type'] === 'string' &&
      node['type'].startsWith('ORDER_')
    ) {
      visit(node['expression'], false, node['type'] === 'ORDER_DEFAULT');
      return;
    }
    for (const [key, child] of Object.entries(node))
      visit(child, needsBoolean(node, key, isCondition), false);
  };
  visit(tree, false, false);
  return contexts;
}

/** True for a column, also one of a subquery around it, and for a subquery. */
function variesByRow({ class: kind }: SqlNode): boolean {
  return kind === 'COLUMN_REF' || kind === 'POSITIONAL_REFERENCE' || kind === 'SUBQUERY';
}

function needsBoolean(node: SqlNode, key: string, isCondition: boolean): boolean {
  const type = String(node['type'] ?? '');
  const kind = String(node['class'] ?? type);
  if (type === 'CONJUNCTION_AND' || type === 'CONJUNCTION_OR' || type === 'OPERATOR_NOT') {
    return key === 'children';
  }
  if (key === 'when_expr') return true;
  if (kind === 'CASE') return isCondition && (key === 'else_expr' || key === 'case_checks');
  if (key === 'then_expr') return isCondition;
  if (kind === 'LAMBDA') return isCondition && key === 'expr';
  if (
    kind === 'FUNCTION' &&
    FILTER_FUNCTIONS.has(String(node['function_name'])) &&
    key === 'children'
  )
    return true;
  return (CONDITIONS[type] ?? CONDITIONS[kind])?.includes(key) === true;
}
