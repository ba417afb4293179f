/**
 * Keeps conditions with operators above a join: DuckDB would move one that names a single table below it, and so ask
 * for every row of that table.
 */
import type { SqlNode } from '../../duck/parse-sql.ts';
import type { QueryPlan } from './query-plan.ts';
import { columnRef, functionCall, isNode } from './query-tree.ts';
import { relationName, relationsOf } from './relations.ts';
import { isNotNull } from './tree-logic.ts';

/** A condition that always holds and needs a row of every table of the join; nothing if FROM is no join. */
export function joinBarrier({ node, semantic }: QueryPlan): readonly SqlNode[] {
  const from = node['from_table'];
  if (semantic.length === 0 || !isNode(from) || from['type'] !== 'JOIN') return [];
  const names = relationsOf(from)
    .map(relationName)
    .filter((name) => name !== '');
  if (names.length < 2) return [];
  const rows = functionCall(
    'hash',
    names.map((name) => columnRef(name)),
  );
  return [isNotNull(rows)];
}
