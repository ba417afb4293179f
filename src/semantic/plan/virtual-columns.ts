/** Columns that `*` leaves out and a SELECT may still name: `rowid` of a table, `filename` of a file. */
import type { SqlNode } from '../../duck/parse-sql.ts';
import type { SemanticQuery } from '../semantic-query.ts';
import { plannedSql } from './planned-sql.ts';
import { holds, select, star, Unplannable } from './query-tree.ts';
import { relationName } from './relations.ts';

const VIRTUAL = ['rowid', 'filename', 'file_index', 'file_row_number'];

/** The virtual columns of a table or file that the SELECT names. */
export async function virtualColumns(
  run: SemanticQuery,
  node: SqlNode,
  relation: SqlNode,
  withSeen: (node: SqlNode) => SqlNode,
): Promise<readonly string[]> {
  if (relation['type'] === 'SUBQUERY') return [];
  const owner = relationName(relation).toLowerCase();
  const named = VIRTUAL.filter((name) =>
    holds(node, ({ column_names: names }) => {
      const parts = Array.isArray(names) ? names.map((part) => String(part).toLowerCase()) : [];
      return parts.at(-1) === name && [undefined, owner].includes(parts.at(-2));
    }),
  );
  if (named.length === 0) return [];
  const columns = await columnNames(run, relation, withSeen);
  return named.filter((name) => !columns.some((column) => column.toLowerCase() === name));
}

/**
 * Throws Unplannable where the SELECT names a virtual column of a joined table: staged rows of a join hold only the
 * columns of `*`.
 */
export async function refuseVirtual(
  run: SemanticQuery,
  node: SqlNode,
  relations: readonly SqlNode[],
  withSeen: (node: SqlNode) => SqlNode,
): Promise<void> {
  for (const relation of relations) {
    const [name] = await virtualColumns(run, node, relation, withSeen);
    if (name !== undefined) throw new Unplannable(`it names the ${name} of a joined table`);
  }
}

/** The names of the columns of a FROM. */
export async function columnNames(
  run: SemanticQuery,
  from: unknown,
  withSeen: (node: SqlNode) => SqlNode,
): Promise<readonly string[]> {
  const { session, stop } = run.statement;
  const query = await plannedSql(run.statement, withSeen(select([star()], from, null)));
  const { text, parameters } = query;
  const columns = await session.describe(text, { parameters, signal: stop.signal });
  return columns.map(({ name }) => name);
}
