/** The tables, functions and queries in a FROM. */
import type { SqlNode } from '../../duck/parse-sql.ts';
import { isNode } from './query-tree.ts';

/** The name that a relation's columns may be qualified with; '' if it has none. */
export function relationName(from: SqlNode): string {
  const call = from['function'];
  const own = String(from['alias'] ?? '') || String(from['table_name'] ?? '');
  return own || (isNode(call) ? String(call['function_name']) : '');
}

/** The relations of a FROM whose columns are visible, left to right: without those on the right of a SEMI or ANTI join. */
export function relationsOf(from: unknown): readonly SqlNode[] {
  if (!isNode(from) || from['type'] === 'EMPTY') return [];
  if (from['type'] !== 'JOIN') return [from];
  const isHidden = from['join_type'] === 'SEMI' || from['join_type'] === 'ANTI';
  return [...relationsOf(from['left']), ...(isHidden ? [] : relationsOf(from['right']))];
}

/** The FROM with each relation replaced, also the invisible ones. */
export async function mapRelations(
  from: unknown,
  replace: (relation: SqlNode) => Promise<SqlNode>,
): Promise<unknown> {
  if (!isNode(from)) return from;
  if (from['type'] !== 'JOIN') return replace(from);
  const left = await mapRelations(from['left'], replace);
  return { ...from, left, right: await mapRelations(from['right'], replace) };
}
