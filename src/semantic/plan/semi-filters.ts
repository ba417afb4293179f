/**
 * Conditions of a WHERE that only ask if a query holds a row's key: `x IN (SELECT …)`, `EXISTS (SELECT … WHERE y = x)`,
 * and both with NOT.
 */
import type { SqlNode } from '../../duck/parse-sql.ts';
import { conjunction, conjuncts, holds, isNode, NO_TABLE, nodesOf, select } from './query-tree.ts';
import { relationName, relationsOf } from './relations.ts';
import { coalesce, literal, negated } from './tree-logic.ts';

/** A condition that asks if `key` is among the rows of `query`, which has one column. */
export interface SemiFilter {
  readonly key: SqlNode;
  readonly query: SqlNode;
  /** NULLs tell the last two apart: a NULL in the query decides a NOT IN, and a NULL key is among no rows. */
  readonly form: 'IN' | 'NOT IN' | 'NOT EXISTS';
}

/** The names of the columns of a FROM, in lower case. */
type ColumnsIn = (from: unknown) => Promise<ReadonlySet<string>>;

/** Reads the condition as a semi filter; undefined if it is none. */
export async function semiFilterOf(
  condition: SqlNode,
  columnsIn: ColumnsIn,
): Promise<SemiFilter | undefined> {
  if (condition['type'] === 'OPERATOR_NOT') {
    const [inner] = nodesOf(condition['children']);
    const filter = inner === undefined ? undefined : await semiFilterOf(inner, columnsIn);
    if (filter?.form !== 'IN') return undefined;
    return { ...filter, form: inner?.['subquery_type'] === 'EXISTS' ? 'NOT EXISTS' : 'NOT IN' };
  }
  const { subquery, child, subquery_type: type } = condition;
  const query =
    condition['class'] === 'SUBQUERY' && isNode(subquery) ? subquery['node'] : undefined;
  if (!isNode(query) || query['type'] !== 'SELECT_NODE') return undefined;
  if (type === 'EXISTS') return existsFilter(query, columnsIn);
  const isIn = type === 'ANY' && condition['comparison_type'] === 'COMPARE_EQUAL';
  return isIn && isNode(child) && nodesOf(query['select_list']).length === 1
    ? { key: child, query, form: 'IN' }
    : undefined;
}

/** `key IN (query)`, `NOT key IN (query)`, or `NOT COALESCE(key IN (query), FALSE)`. */
export function isAmong({ key, query, form }: SemiFilter): SqlNode {
  if (form !== 'IN') {
    const isIn = isAmong({ key, query, form: 'IN' });
    return negated(form === 'NOT IN' ? isIn : coalesce([isIn, literal(false)]));
  }
  return {
    class: 'SUBQUERY',
    type: 'SUBQUERY',
    alias: '',
    query_location: 0,
    subquery_type: 'ANY',
    subquery: { node: query, named_param_map: [] },
    child: key,
    comparison_type: 'COMPARE_EQUAL',
  };
}

/**
 * The query, limited to keys that the outer rows have. Outer rows here are those that the outer conditions without
 * operators and queries leave. For NOT IN also its NULLs, and all of it where an outer row's key is NULL.
 */
export function amongKeysOf(
  { key, query, form }: SemiFilter,
  outer: SqlNode,
  isOperator: (node: SqlNode) => boolean,
): SqlNode {
  const [own] = nodesOf(query['select_list']);
  const plain = conjuncts(outer['where_clause']).filter(
    (part) => !holds(part, (node) => isOperator(node) || node['class'] === 'SUBQUERY'),
  );
  const keys = select([key], outer['from_table'], conjunction(plain));
  const isOuter = isAmong({ key: { ...own, alias: '' } as SqlNode, query: keys, form: 'IN' });
  const isWanted = form === 'NOT IN' ? coalesce([isOuter, literal(true)]) : isOuter;
  return {
    ...query,
    where_clause: conjunction([...conjuncts(query['where_clause']), isWanted]),
  };
}

/** Reads an EXISTS whose WHERE holds one equality of a column of the query and an expression of the outer row. */
async function existsFilter(query: SqlNode, columnsIn: ColumnsIn): Promise<SemiFilter | undefined> {
  // An aggregate gives a row where there is none, and unnest may give none where there is one.
  const isCall = ({ class: kind }: SqlNode) => kind === 'FUNCTION' || kind === 'WINDOW';
  if (holds(query['select_list'], isCall)) return undefined;
  const from = query['from_table'] ?? NO_TABLE;
  const names = new Set(relationsOf(from).map((one) => relationName(one).toLowerCase()));
  const columns = await columnsIn(from);
  const parts = conjuncts(query['where_clause']);
  const isOwn = (node: unknown) =>
    areColumns(node, (column, relation) =>
      relation === undefined ? columns.has(column) : names.has(relation),
    );
  // A name alone that is no column here may still be `rowid`, or the alias of an item.
  const isOuter = (node: unknown) =>
    areColumns(node, (_, relation) => relation !== undefined && !names.has(relation));
  for (const part of parts) {
    const { type, left, right } = part;
    if (type !== 'COMPARE_EQUAL' || !isNode(left) || !isNode(right)) continue;
    const [own, key] = isOwn(left) ? [left, right] : [right, left];
    if (!isOwn(own) || !isOuter(key)) continue;
    const where_clause = conjunction(parts.filter((one) => one !== part));
    return { key, query: { ...query, select_list: [own], where_clause }, form: 'IN' };
  }
  return undefined;
}

/** Whether the value names columns, and `test` holds for each of them; `relation` is the table that qualifies it. */
function areColumns(value: unknown, test: (column: string, relation?: string) => boolean): boolean {
  let [some, all] = [false, true];
  holds(value, ({ class: kind, column_names: names }) => {
    if (kind === 'SUBQUERY') all = false;
    if (kind !== 'COLUMN_REF' || !Array.isArray(names)) return false;
    some = true;
    const [column = '', ...relations] = names.map((name) => String(name).toLowerCase()).reverse();
    if (relations.length > 1 || !test(column, relations[0])) all = false;
    return false;
  });
  return some && all;
}
