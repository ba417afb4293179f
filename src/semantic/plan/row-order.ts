/** The order of a query's rows, written without its select list, so that rows can be ordered that have another. */
import type { SqlNode } from '../../duck/parse-sql.ts';
import type { QueryPlan } from './query-plan.ts';
import { holds, integerOf, isNode, nodesOf, Unplannable } from './query-tree.ts';

/** The ORDER BY with the items that it names in their names' and places' stead; none without one. Throws Unplannable. */
export function rowOrder({ node, order }: Pick<QueryPlan, 'node' | 'order'>): readonly SqlNode[] {
  if (order === undefined) return [];
  const items = nodesOf(node['select_list']);
  const orders = nodesOf(order['orders']).map((one) => {
    const { expression } = one;
    return isNode(expression) ? { ...one, expression: resolved(expression, items) } : one;
  });
  return [{ ...order, orders }];
}

function resolved(expression: SqlNode, items: readonly SqlNode[]): SqlNode {
  const place = integerOf(expression);
  if (place !== undefined) return itemAt(place, items);
  const named = items.filter(
    (item) => aliasOf(item) !== '' && aliasOf(item) === nameOf(expression),
  );
  if (named.length > 1) throw new Unplannable('ORDER BY names several items of the select list');
  if (named[0] !== undefined) return unnamed(named[0]);
  const aliases = new Set(items.map(aliasOf));
  const dependsOnItems = holds(
    expression,
    (part) =>
      part['class'] === 'STAR' ||
      part['class'] === 'POSITIONAL_REFERENCE' ||
      (nameOf(part) !== '' && aliases.has(nameOf(part))),
  );
  if (dependsOnItems) throw new Unplannable('ORDER BY depends on the select list');
  return expression;
}

function itemAt(place: number, items: readonly SqlNode[]): SqlNode {
  const item = items[place - 1];
  const before = items.slice(0, place);
  if (item === undefined || holds(before, (part) => part['class'] === 'STAR')) {
    throw new Unplannable('ORDER BY names a column by its place among those of a *');
  }
  return unnamed(item);
}

function unnamed(item: SqlNode): SqlNode {
  return { ...item, alias: '' };
}

function aliasOf(item: SqlNode): string {
  return String(item['alias'] ?? '').toLowerCase();
}

/** What a column is called that no table's name stands before. */
function nameOf(node: SqlNode): string {
  const names = node['column_names'];
  return Array.isArray(names) && names.length === 1 ? String(names[0]).toLowerCase() : '';
}
