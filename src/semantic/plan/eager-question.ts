/**
 * Recognises a query that asks a single question of every row: a plain query can then read the values that it is asked
 * of.
 */
import type { SqlNode } from '../../duck/parse-sql.ts';
import { hasCriteria, isNativeUse } from '../look-up/native-types.ts';
import type { SemanticStatement } from '../read/read-statement.ts';
import type { OperatorUse } from '../read/use.ts';
import { givenArguments } from './cast.ts';
import type { FunctionFacts } from './function-facts.ts';
import { whereOf } from './planned-query.ts';
import { isWritten } from './planned-select.ts';
import { planSelect, type QueryPlan, rootOf } from './query-plan.ts';
import {
  conjunction,
  conjuncts,
  holds,
  isNode,
  mapTree,
  nodesOf,
  Unplannable,
} from './query-tree.ts';

/** An operator of one value, with literal criteria, at one or more places of a SELECT. */
export interface EagerQuestion {
  readonly use: OperatorUse;
  readonly criteria: readonly string[];
  /** Names of the operator's function at these places. */
  readonly names: readonly string[];
  /** A query of the values that the operator is asked of: one column, with repetitions. */
  readonly values: SqlNode;
  /** The whole query with its plain conditions before the operator; absent if it stays as written. */
  readonly root?: SqlNode;
}

/** Clauses of a SELECT whose expressions are evaluated for each row that its plain conditions leave. */
const CLAUSES = ['select_list', 'group_expressions', 'modifiers'];

/**
 * The question of a statement that is one SELECT without a LIMIT and has no other question; undefined for every other
 * statement.
 */
export function eagerQuestion(
  read: SemanticStatement,
  facts: FunctionFacts,
): EagerQuestion | undefined {
  const [use, ...others] = read.uses;
  if (use === undefined || others.length > 0 || read.parts.kind !== 'query') return undefined;
  if (!isNativeUse(use) || !hasCriteria(use.book.operator) || use.book.operator.seed !== undefined)
    return undefined;
  try {
    const root = planSelect(read, rootOf(read), facts);
    const node = innermost(root.node);
    const plan = node === root.node ? root : planSelect(read, { ...root, node }, facts);
    const question = questionOf(plan, countOf(root.node, plan.isOperator), use);
    if (question === undefined || isWritten(plan, plan.semantic)) return question;
    const where = whereOf(plan, plan.semantic);
    const inOrder = (one: SqlNode) => (one === node ? { ...node, where_clause: where } : undefined);
    return { ...question, root: mapTree(root.node, inOrder) as SqlNode };
  } catch (thrown) {
    if (thrown instanceof Unplannable) return undefined;
    throw thrown;
  }
}

/** The innermost SELECT of a chain in which each SELECT has only the next one in its FROM, and reads all of its rows. */
function innermost(node: SqlNode): SqlNode {
  const { from_table: from, where_clause: where, cte_map: map } = node;
  const query = isNode(from) && from['type'] === 'SUBQUERY' ? from['subquery'] : undefined;
  const inner = isNode(query) ? query['node'] : undefined;
  const seesMore = isNode(map) && nodesOf(map['map']).length > 0;
  const isSampled = isNode(from) && isNode(from['sample']);
  const isWhole = !isNode(where) && !seesMore && !isLimited(node) && !isSampled;
  if (!isNode(inner) || inner['type'] !== 'SELECT_NODE' || !isWhole) return node;
  return innermost(inner);
}

function isLimited(node: SqlNode): boolean {
  const isLimit = ({ type }: SqlNode) => String(type).startsWith('LIMIT');
  return nodesOf(node['modifiers']).some(isLimit) || isNode(node['sample']);
}

/** The eager question of a SELECT, if it has one. `count` is the number of operators in the whole query. */
function questionOf(
  { node, plain, isOperator }: QueryPlan,
  count: number,
  use: OperatorUse,
): EagerQuestion | undefined {
  if (isLimited(node) || isNode(node['qualify'])) return undefined;
  const conditions = [node['where_clause'], ...joinConditions(node['from_table'])];
  const clauses = [...CLAUSES.map((key) => node[key]), ...conditions.flatMap(conjuncts)];
  const places = clauses.flatMap((clause) => eagerPlaces(clause, isOperator));
  if (places.length === 0 || places.length < count) return undefined;
  const [first] = places;
  const args = nodesOf(first!['children']);
  const isSame = (place: SqlNode) => withoutPlace(place['children']) === withoutPlace(args);
  const criteria = args.slice(1).flatMap((arg) => literalText(arg) ?? []);
  const from = withoutOperators(node['from_table'], isOperator);
  if (!places.every(isSame) || criteria.length < args.length - 1 || from === undefined)
    return undefined;
  const values: SqlNode = {
    ...node,
    select_list: givenArguments(args.slice(0, 1), use.book.operator),
    from_table: from,
    where_clause: conjunction(plain),
    modifiers: [],
    group_expressions: [],
    group_sets: [],
    aggregate_handling: 'STANDARD_HANDLING',
    having: null,
    qualify: null,
  };
  const names = new Set(places.map((place) => String(place['function_name'])));
  return { use, criteria, names: [...names], values };
}

/** Operators that are always evaluated, whatever other parts of the expression give. */
function eagerPlaces(value: unknown, isOperator: (node: SqlNode) => boolean): readonly SqlNode[] {
  if (Array.isArray(value)) return value.flatMap((item) => eagerPlaces(item, isOperator));
  if (!isNode(value) || value['class'] === 'SUBQUERY' || value['class'] === 'LAMBDA') return [];
  if (isOperator(value)) return [value];
  const { type, children, case_checks: checks } = value;
  if (type === 'CASE_EXPR') return eagerPlaces(nodesOf(checks)[0]?.['when_expr'], isOperator);
  if (/^(OPERATOR_COALESCE|CONJUNCTION_AND|CONJUNCTION_OR)$/.test(String(type))) {
    return eagerPlaces(nodesOf(children)[0], isOperator);
  }
  return Object.values(value).flatMap((child) => eagerPlaces(child, isOperator));
}

function countOf(value: unknown, isOperator: (node: SqlNode) => boolean): number {
  let count = 0;
  holds(value, (node) => {
    if (isOperator(node)) count += 1;
    return false;
  });
  return count;
}

function joinConditions(from: unknown): readonly unknown[] {
  if (!isNode(from) || from['type'] !== 'JOIN') return [];
  return [from['condition'], ...joinConditions(from['left']), ...joinConditions(from['right'])];
}

/** The FROM without the conditions of its joins that hold operators; undefined if a join would have no condition left. */
function withoutOperators(from: unknown, isOperator: (node: SqlNode) => boolean): unknown {
  let isBare = false;
  const plain = mapTree(from, (node) => {
    if (node['type'] !== 'JOIN' || !holds(node['condition'], isOperator)) return undefined;
    const parts = conjuncts(node['condition']).filter((part) => !holds(part, isOperator));
    if (parts.length === 0) isBare = true;
    const left = withoutOperators(node['left'], isOperator);
    const right = withoutOperators(node['right'], isOperator);
    if (left === undefined || right === undefined) isBare = true;
    return { ...node, left, right, condition: conjunction(parts) };
  });
  return isBare ? undefined : plain;
}

function withoutPlace(tree: unknown): string {
  return JSON.stringify(tree, (key, value) => (key === 'query_location' ? undefined : value));
}

/** The text of a text literal; undefined for NULL and any other node. */
function literalText(node: SqlNode): string | undefined {
  const value = node['class'] === 'CONSTANT' ? node['value'] : undefined;
  if (!isNode(value) || value['is_null'] !== false) return undefined;
  return typeof value['value'] === 'string' ? value['value'] : undefined;
}
