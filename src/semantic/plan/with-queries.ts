/** Entries of a WITH, and references to them. */
import type { SqlNode } from '../../duck/parse-sql.ts';
import { holds, isNode, nodesOf } from './query-tree.ts';

/** An entry of a WITH: `key` is its name. */
export type WithQuery = SqlNode;

/** The entries of a query's own WITH. */
export function withEntries(node: SqlNode): readonly WithQuery[] {
  const map = node['cte_map'];
  return isNode(map) ? nodesOf(map['map']) : [];
}

/** The query with the WITH queries that it sees. */
export function withSeen(node: SqlNode, seen: readonly WithQuery[]): SqlNode {
  const own = withEntries(node);
  const others = seen.filter((one) => !own.some((entry) => sameName(one, entry)));
  return { ...node, cte_map: { map: [...others, ...own] } };
}

/** Whether two entries have the same name. */
export function sameName(a: WithQuery, b: WithQuery): boolean {
  return String(a['key']).toLowerCase() === String(b['key']).toLowerCase();
}

/** Whether a relation is a reference to the WITH query of this name. */
export function isReference(node: SqlNode, name: string): boolean {
  const isUnqualified = node['schema_name'] === '' && node['catalog_name'] === '';
  const isSame = String(node['table_name']).toLowerCase() === name.toLowerCase();
  return node['type'] === 'BASE_TABLE' && isUnqualified && isSame;
}

/** How often a tree reads the WITH query of this name. */
export function referencesTo(tree: unknown, name: string): number {
  let count = 0;
  holds(tree, (node) => {
    if (isReference(node, name)) count += 1;
    return false;
  });
  return count;
}

/** Whether a relation gives its columns new names. */
export function hasColumnNames({ column_name_alias: names }: SqlNode): boolean {
  return Array.isArray(names) && names.length > 0;
}
