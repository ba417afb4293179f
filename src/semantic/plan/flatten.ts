/**
 * Merges a SELECT and the query in its FROM into a single SELECT: its conditions and its LIMIT then limit what has to
 * be asked.
 */
import type { SqlNode } from '../../duck/parse-sql.ts';
import type { NodeTests } from '../judge/lazy-condition.ts';
import type { QueryPlan } from './query-plan.ts';
import {
  columnRef,
  conjunction,
  conjuncts,
  holds,
  isNode,
  mapTree,
  nodesOf,
  subquery,
} from './query-tree.ts';
import { relationName } from './relations.ts';
import { isPlainStar } from './row-order.ts';
import { hasColumnNames, isReference, referencesTo, withEntries } from './with-queries.ts';

/** Tests that decide whether two SELECTs can be merged. */
export interface FlattenTests extends NodeTests {
  readonly planOf: (node: SqlNode) => QueryPlan;
}

/**
 * Merges the SELECT with the query in its FROM, if that query holds operators. A WITH query that only this FROM reads
 * counts as a query in the FROM. Returns the SELECT as given where they cannot be merged.
 */
export function flattened(given: SqlNode, tests: FlattenTests): SqlNode {
  const node = inlined(given);
  const from = node['from_table'];
  const query = isNode(from) && from['type'] === 'SUBQUERY' ? from['subquery'] : undefined;
  const written = isNode(query) ? query['node'] : undefined;
  if (!isNode(from) || !isNode(written) || written['type'] !== 'SELECT_NODE') return given;
  const inner = flattened(written, tests);
  if (hasColumnNames(from) || isNode(from['sample']) || !isRowQuery(inner, tests)) return given;
  return merged(node, inner, relationName(from).toLowerCase(), tests) ?? given;
}

/**
 * Whether the query gives rows of its FROM, holds operators, and holds nothing that may differ if it is computed
 * elsewhere.
 */
function isRowQuery(inner: SqlNode, { planOf, isOperator, isUnstable }: FlattenTests): boolean {
  const isBare = nodesOf(inner['modifiers']).length === 0 && withEntries(inner).length === 0;
  const expressions = [inner['select_list'], inner['where_clause']];
  if (!isBare || !holds(expressions, isOperator) || holds(expressions, isUnstable)) return false;
  return planOf(inner).isRowByRow && isNode(inner['from_table']);
}

/** The two SELECTs as one. Undefined if a column of the outer SELECT cannot be found among the inner one's. */
function merged(
  outer: SqlNode,
  inner: SqlNode,
  relation: string,
  { planOf, isUnstable }: FlattenTests,
): SqlNode | undefined {
  const { select_list, where_clause, modifiers } = outer;
  const isElsewhere = ({ class: kind }: SqlNode) =>
    kind === 'SUBQUERY' || kind === 'LAMBDA' || kind === 'POSITIONAL_REFERENCE';
  const clauses = [select_list, where_clause, modifiers];
  if (!planOf(outer).isRowByRow || holds(clauses, isElsewhere) || holds(clauses, isUnstable)) {
    return undefined;
  }
  const items = nodesOf(select_list);
  if (items.some((item) => holds(item, ({ class: kind }) => kind === 'STAR'))) return undefined;
  if (items.some((item) => nameOf(item) === '')) return undefined;
  let isComplete = true;
  const substituted = (value: unknown) =>
    mapTree(value, (part) => {
      if (part['class'] !== 'COLUMN_REF') return undefined;
      const column = columnOf(part, relation);
      const expression = column === undefined ? undefined : itemCalled(inner, column);
      if (expression === undefined) isComplete = false;
      return expression === undefined ? part : { ...expression, alias: part['alias'] };
    });
  const names = new Set(items.map(nameOf));
  const list = items.map((item) => ({
    ...(substituted(item) as SqlNode),
    alias: String(item['alias']) || ownName(item),
  }));
  const where = substituted(conjuncts(where_clause)) as readonly SqlNode[];
  const isItem = (part: SqlNode) => names.has(columnOf(part, '') ?? '');
  // A name in ORDER BY means an item of the select list first.
  const order = mapTree(modifiers, (part) => {
    if (part['class'] !== 'COLUMN_REF' || isItem(part))
      return part['class'] === 'COLUMN_REF' ? part : undefined;
    const expression = substituted(part) as SqlNode;
    if (holds(expression, isItem)) isComplete = false;
    return expression;
  });
  if (!isComplete) return undefined;
  return {
    ...outer,
    select_list: list,
    from_table: inner['from_table'],
    where_clause: conjunction([...conjuncts(inner['where_clause']), ...where]),
    modifiers: order,
  };
}

/** The column that a reference names, unqualified or of this relation; undefined for a field of a column. */
function columnOf({ column_names: names }: SqlNode, relation: string): string | undefined {
  const parts = Array.isArray(names) ? names.map((part) => String(part).toLowerCase()) : [];
  if (parts.length === 1) return parts[0];
  return parts.length === 2 && relation !== '' && parts[0] === relation ? parts[1] : undefined;
}

/** The expression behind a column of the inner SELECT; undefined if it is not known. */
function itemCalled(inner: SqlNode, column: string): SqlNode | undefined {
  const items = nodesOf(inner['select_list']);
  const stars = items.filter((item) => holds(item, ({ class: kind }) => kind === 'STAR'));
  const same = items.filter((item) => nameOf(item) === column);
  if (same.length === 1) return same[0];
  const from = inner['from_table'];
  const isTable = isNode(from) && from['type'] === 'BASE_TABLE';
  const isPassedOn = same.length === 0 && stars.length === 1 && isPlainStar(stars[0]!);
  return isPassedOn && isTable ? columnRef(relationName(from), column) : undefined;
}

function ownName({ column_names: names }: SqlNode): string {
  return Array.isArray(names) ? String(names.at(-1)) : '';
}

/**
 * The SELECT with a WITH query moved into its FROM, if the FROM is that query alone and nothing else reads it; else the
 * SELECT itself.
 */
export function inlined(node: SqlNode): SqlNode {
  const from = node['from_table'];
  const entries = withEntries(node);
  const entry = entries.find((one) => isNode(from) && isReference(from, String(one['key'])));
  if (!isNode(from) || entry === undefined || hasColumnNames(from)) return node;
  const { aliases, query, materialized } = entry['value'] as SqlNode;
  const isOnce = referencesTo(node, String(entry['key'])) === 1;
  const isRenamed = Array.isArray(aliases) && aliases.length > 0;
  const inner = isNode(query) ? query['node'] : undefined;
  if (!isOnce || isRenamed || !isNode(inner) || inner['type'] === 'RECURSIVE_CTE_NODE') return node;
  if (materialized === 'CTE_MATERIALIZE_ALWAYS') return node;
  // It reads a table of such a name, as WITH queries see only those before them.
  const later = entries.slice(entries.indexOf(entry) + 1);
  if (later.some((one) => referencesTo(inner, String(one['key'])) > 0)) return node;
  return {
    ...node,
    cte_map: { map: entries.filter((one) => one !== entry) },
    from_table: { ...subquery(inner, [], relationName(from)), sample: from['sample'] },
  };
}

/** The name of an item in lower case; '' where DuckDB names the column after the item's text. */
function nameOf(item: SqlNode): string {
  const alias = String(item['alias'] ?? '');
  const names = item['column_names'];
  return (alias || (Array.isArray(names) ? String(names.at(-1)) : '')).toLowerCase();
}
