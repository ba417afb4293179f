/** Moves plain conditions and a LIMIT over a UNION, EXCEPT or INTERSECT into its arms. */
import type { SqlNode } from '../../duck/parse-sql.ts';
import { type FlattenTests, inlined } from './flatten.ts';
import { isPlainStar } from './pushed-conditions.ts';
import {
  columnRef,
  conjunction,
  conjuncts,
  holds,
  integer,
  isNode,
  limited,
  mapTree,
  nodesOf,
  rowsWanted,
  select,
  star,
} from './query-tree.ts';
import { relationName } from './relations.ts';
import { isUnionAll } from './set-operations.ts';
import { withEntries } from './with-queries.ts';

/** What may mean something else in an arm. */
const ELSEWHERE = new Set(['SUBQUERY', 'LAMBDA', 'POSITIONAL_REFERENCE']);

/** A node that stands for a column by its place. */
const PLACE = 'PLACE';

interface Column {
  readonly name: string;
  readonly type: string;
}

interface ArmsContext extends FlattenTests {
  /** The columns of a query that the SELECT holds; none if it cannot stand by itself. */
  readonly columnsOf: (query: SqlNode) => Promise<readonly Column[]>;
}

/** The SELECT, if it reads a set operation, with what the arms can do moved into them. */
export async function withArms(given: SqlNode, context: ArmsContext): Promise<SqlNode> {
  const node = inlined(given);
  const { from_table: from, modifiers, sample } = node;
  const query = isNode(from) && from['type'] === 'SUBQUERY' ? from['subquery'] : undefined;
  const written = isNode(query) ? query['node'] : undefined;
  const isOperation = isNode(written) && written['type'] === 'SET_OPERATION_NODE';
  if (!isNode(from) || !isNode(query) || !isOperation) return given;
  if (isNode(from['sample']) || isNode(sample) || holds(written, context.isUnstable)) return given;
  const columns = await context.columnsOf(select([star()], from, null));
  let operation = written;
  const rest: SqlNode[] = [];
  for (const part of conjuncts(node['where_clause'])) {
    const condition = overColumns(part, relationName(from), columns, context);
    const narrowed = condition && (await armsThatMeet(operation, condition, columns, context));
    if (narrowed === undefined) rest.push(part);
    operation = narrowed ?? operation;
  }
  const only = nodesOf(modifiers).length === 1 ? rowsWanted(nodesOf(modifiers)) : undefined;
  const mayStop = rest.length === 0 && isUnionAll(operation) && context.planOf(node).isRowByRow;
  if (only !== undefined && mayStop) operation = limited(operation, integer(only));
  if (operation === written) return given;
  const from_table = { ...from, subquery: { ...query, node: operation } };
  return { ...node, from_table, where_clause: conjunction(rest) };
}

/** The condition with the place of a column for each name; undefined if it has to stay where it is. */
function overColumns(
  condition: SqlNode,
  relation: string,
  columns: readonly Column[],
  { isOperator, isUnstable }: ArmsContext,
): SqlNode | undefined {
  const isFixed = (part: SqlNode) =>
    isOperator(part) || isUnstable(part) || ELSEWHERE.has(String(part['class']));
  if (holds(condition, isFixed)) return undefined;
  let isComplete = true;
  const over = mapTree(condition, (part) => {
    if (part['class'] !== 'COLUMN_REF') return undefined;
    const names = (part['column_names'] as readonly string[]).map((name) => name.toLowerCase());
    const places = columns.flatMap(({ name }, at) =>
      name.toLowerCase() === names.at(-1) ? [at] : [],
    );
    const isHere =
      names.length === 1 || (names.length === 2 && names[0] === relation.toLowerCase());
    if (!isHere || places.length !== 1) isComplete = false;
    return { class: PLACE, place: places[0] };
  }) as SqlNode;
  return isComplete ? over : undefined;
}

/** The operation with a condition over its columns in each arm; undefined if an arm cannot take it. */
async function armsThatMeet(
  node: SqlNode,
  condition: SqlNode,
  columns: readonly Column[],
  context: ArmsContext,
): Promise<SqlNode | undefined> {
  if (withEntries(node).length > 0) return undefined;
  if (node['type'] === 'SET_OPERATION_NODE') {
    const isByName = node['setop_type'] === 'UNION_BY_NAME';
    if (isByName || nodesOf(node['modifiers']).length > 0) return undefined;
    const left = await armsThatMeet(node['left'] as SqlNode, condition, columns, context);
    const right = await armsThatMeet(node['right'] as SqlNode, condition, columns, context);
    return left && right && { ...node, left, right };
  }
  if (node['type'] !== 'SELECT_NODE') return undefined;
  const { isRowByRow, limit, isOperator } = context.planOf(node);
  if (!isRowByRow || limit !== undefined) return undefined;
  const items = nodesOf(node['select_list']);
  const own = await context.columnsOf(node);
  const isAll = items.length === 1 && isPlainStar(items[0]!);
  const isSeveral = !isAll && holds(items, ({ class: kind }) => kind === 'STAR');
  let isComplete = !isSeveral && own.length === columns.length;
  const met = mapTree(condition, (part) => {
    if (part['class'] !== PLACE) return undefined;
    const place = Number(part['place']);
    const [item, column] = [items[isAll ? 0 : place], own[place]];
    const isFixed = (inner: SqlNode) => isOperator(inner) || inner['class'] === 'SUBQUERY';
    // The operation would cast another type, and the condition means the value after that cast.
    if (column?.type !== columns[place]?.type || holds(item, isFixed)) isComplete = false;
    return isAll ? columnRef(column?.name ?? '') : { ...item, alias: '' };
  }) as SqlNode;
  const where_clause = conjunction([...conjuncts(node['where_clause']), met]);
  const narrowed = { ...node, where_clause };
  const isBound = isComplete && (await context.columnsOf(narrowed)).length > 0;
  return isBound ? narrowed : undefined;
}
