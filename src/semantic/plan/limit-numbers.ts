/** Writes a LIMIT or OFFSET that is computed from literals, such as `LIMIT 2 * 5`, as its number. */
import type { SqlNode } from '../../duck/parse-sql.ts';
import type { SemanticQuery } from '../semantic-query.ts';
import { plannedSql } from './planned-sql.ts';
import {
  holds,
  integer,
  integerOf,
  isNode,
  isReason,
  mapTree,
  NO_TABLE,
  select,
} from './query-tree.ts';

/** What makes an expression depend on more than its literals. */
const OPEN = new Set(['COLUMN_REF', 'SUBQUERY', 'PARAMETER', 'LAMBDA', 'STAR']);

/** The query with the numbers; `isOpen` tells other nodes whose value may differ. */
export async function withLimitNumbers(
  run: SemanticQuery,
  query: SqlNode,
  isOpen: (node: SqlNode) => boolean,
): Promise<SqlNode> {
  const mayDiffer = (part: SqlNode) => OPEN.has(String(part['class'])) || isOpen(part);
  const computed: SqlNode[] = [];
  holds(query, ({ type, limit, offset }) => {
    if (type !== 'LIMIT_MODIFIER') return false;
    const parts = [limit, offset].filter(isNode);
    computed.push(
      ...parts.filter((part) => integerOf(part) === undefined && !holds(part, mayDiffer)),
    );
    return false;
  });
  const numbers = await Promise.all(computed.map((part) => numberOf(run, part)));
  return mapTree(query, (node) => numbers[computed.indexOf(node)]) as SqlNode;
}

/** The number as DuckDB computes it; undefined if it is none, e.g. NULL. */
async function numberOf(
  { statement }: SemanticQuery,
  expression: SqlNode,
): Promise<SqlNode | undefined> {
  const { session, stop } = statement;
  try {
    const { text, parameters } = await plannedSql(statement, select([expression], NO_TABLE, null));
    const reader = await session.run(text, { parameters, signal: stop.signal });
    const value = (await reader.allColumns('json'))[0]?.[0];
    // DuckDB rounds a fraction in its own way.
    return typeof value === 'number' && Number.isInteger(value) && value >= 0
      ? integer(value)
      : undefined;
  } catch (thrown) {
    if (!isReason(thrown)) throw thrown;
    return undefined;
  }
}
