/**
 * Gives each row of a result a text that tells it from other rows with the same values. Under a LIMIT, the least and the
 * most rows prove a result only if they are the same rows.
 */
import type { SqlNode } from '../../duck/parse-sql.ts';
import {
  columnRef,
  functionCall,
  holds,
  isNode,
  nodesOf,
  textLiteral,
} from '../plan/query-tree.ts';
import { relationName, relationsOf } from '../plan/relations.ts';
import { hasColumnNames } from '../plan/with-queries.ts';

const TAG = 'rvb_row';

/** A query with tags, with and without its LIMIT or DISTINCT ON. */
export interface CutQuery {
  readonly cut: SqlNode;
  readonly whole: SqlNode;
}

/** Undefined if the query has no LIMIT and no DISTINCT ON. Where rows can have no tag, the query is as it was. */
export function cutQueryOf(node: SqlNode): CutQuery | undefined {
  const modifiers = nodesOf(node['modifiers']);
  const whole = modifiers.filter(
    (one) => !String(one['type']).startsWith('LIMIT') && !isDistinctOn(one),
  );
  if (whole.length === modifiers.length) return undefined;
  const cut = tagged(node, '') ?? node;
  return { cut, whole: { ...cut, modifiers: whole } };
}

/**
 * The query with a tag as its last column, made of the row's place in the query and all values of the rows of FROM.
 * Undefined for a query whose rows are no rows of a FROM.
 */
function tagged(node: SqlNode, place: string): SqlNode | undefined {
  const modifiers = nodesOf(node['modifiers']);
  const orders = modifiers.map((one) => one['orders']);
  const ordersAll = holds(orders, (part) => part['class'] === 'STAR');
  const isDistinct = modifiers.some(
    (one) => one['type'] === 'DISTINCT_MODIFIER' && !isDistinctOn(one),
  );
  if (isDistinct || ordersAll) return undefined;
  if (node['type'] === 'SET_OPERATION_NODE') {
    if (node['setop_type'] !== 'UNION' || node['setop_all'] !== true) return undefined;
    const left = tagged(node['left'] as SqlNode, `${place}l`);
    const right = tagged(node['right'] as SqlNode, `${place}r`);
    return left && right && { ...node, left, right };
  }
  const isGrouped =
    nodesOf(node['group_expressions']).length > 0 ||
    node['aggregate_handling'] !== 'STANDARD_HANDLING';
  if (node['type'] !== 'SELECT_NODE' || isGrouped) return undefined;
  const from = node['from_table'];
  const query = isNode(from) && from['type'] === 'SUBQUERY' ? from['subquery'] : undefined;
  const inner = isNode(query) && tagged(query['node'] as SqlNode, place);
  const name = isNode(from) ? relationName(from) : '';
  const withTag =
    isNode(from) && isNode(query) && isNode(inner) && name !== '' && !hasColumnNames(from)
      ? { ...from, subquery: { ...query, node: inner } }
      : undefined;
  const rows = withTag
    ? [columnRef(name, TAG)]
    : relationsOf(from)
        .map(relationName)
        .filter((one) => one !== '')
        .map((one) => columnRef(one));
  const tag = { ...functionCall('concat', [textLiteral(place), ...rows]), alias: TAG };
  return {
    ...node,
    select_list: [...nodesOf(node['select_list']), tag],
    from_table: withTag ?? from,
  };
}

function isDistinctOn(modifier: SqlNode): boolean {
  return nodesOf(modifier['distinct_on_targets']).length > 0;
}
