/** Entries of a WITH, and what refers to them. */
import type { SqlNode } from '../../duck/parse-sql.ts';
import { holds, isNode, nodesOf } from './query-tree.ts';

/** An entry of a WITH: `key` is its name. */
export type WithQuery = SqlNode;

/** The query with the WITH queries that it sees. */
export function withSeen(node: SqlNode, seen: readonly WithQuery[]): SqlNode {
  const map = node['cte_map'];
  const own = isNode(map) ? nodesOf(map['map']) : [];
  const others = seen.filter((one) => !own.some((entry) => sameName(one, entry)));
  return { ...node, cte_map: { map: [...others, ...own] } };
}

/** Whether two have one name. */
export function sameName(a: WithQuery, b: WithQuery): boolean {
  return String(a['key']).toLowerCase() === String(b['key']).toLowerCase();
}

/** Whether a relation is what is called so in a WITH. */
export function isReference(node: SqlNode, name: string): boolean {
  const isUnqualified = node['schema_name'] === '' && node['catalog_name'] === '';
  const isSame = String(node['table_name']).toLowerCase() === name.toLowerCase();
  return node['type'] === 'BASE_TABLE' && isUnqualified && isSame;
}

/** How often a tree reads what is called so. */
export function referencesTo(tree: unknown, name: string): number {
  let count = 0;
  holds(tree, (node) => {
    if (isReference(node, name)) count += 1;
    return false;
  });
  return count;
}

/** Whether a relation names its columns anew. */
export function hasColumnNames({ column_name_alias: names }: SqlNode): boolean {
  return Array.isArray(names) && names.length > 0;
}
