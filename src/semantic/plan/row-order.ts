/** The order of a query's rows, written without its select list, so that it can order rows with other columns. */
import type { SqlNode } from '../../duck/parse-sql.ts';
import type { QueryPlan } from './query-plan.ts';
import { holds, integerOf, isNode, nodesOf, Unplannable } from './query-tree.ts';

/**
 * The ORDER BY with the select-list items themselves in place of their names and numbers; nothing if there is no ORDER
 * BY. Throws Unplannable.
 */
export function rowOrder({ node, order }: Pick<QueryPlan, 'node' | 'order'>): readonly SqlNode[] {
  if (order === undefined) return [];
  const items = nodesOf(node['select_list']);
  const orders = nodesOf(order['orders']).flatMap((one): readonly SqlNode[] => {
    const { expression } = one;
    if (isNode(expression) && isAll(expression) && !items.some(hasStar)) {
      return items.map((item) => ({ ...one, expression: unnamed(item) }));
    }
    return [isNode(expression) ? { ...one, expression: resolved(expression, items) } : one];
  });
  return [{ ...order, orders }];
}

/** Whether an ORDER BY is `ALL`: the select list, item by item. */
function isAll(expression: SqlNode): boolean {
  return expression['class'] === 'STAR' && isPlainStar(expression);
}

function hasStar(item: SqlNode): boolean {
  return holds(item, (part) => part['class'] === 'STAR');
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
  if (item === undefined || before.some(hasStar)) {
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

/** The name of a column that is not qualified by a table; else ''. */
function nameOf(node: SqlNode): string {
  const names = node['column_names'];
  return Array.isArray(names) && names.length === 1 ? String(names[0]).toLowerCase() : '';
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
