/** Replaces sequences for EXPLAIN. It must not read them, because they go on even if the transaction is rolled back. */
import type { SqlNode } from '../../duck/parse-sql.ts';
import type { Statement } from '../../execute/statement.ts';
import { holds, integer, mapTree } from '../../semantic/plan/query-tree.ts';
import type { SemanticStatement } from '../../semantic/read/read-statement.ts';
import { withTree } from '../../semantic/read/with-tree.ts';

/** The note in which EXPLAIN says so. */
export const SEQUENCES_NOTE =
  'sequences are left as they are: random numbers stand for those of nextval';

/** Random numbers below this stand for a sequence's numbers. */
const MOST = 1_000_000_000;

/** Returns the statement with random numbers in place of a sequence's. They differ from row to row, as a sequence's do. */
export async function withoutSequences(
  read: SemanticStatement,
  statement: Statement,
): Promise<SemanticStatement> {
  const [root] = read.tree ?? [];
  if (root === undefined || !holds(root, isNextval)) return read;
  const numbered = mapTree(root, (node) => (isNextval(node) ? anyNumber(node) : undefined));
  return withTree(read, numbered as SqlNode, statement);
}

function isNextval(node: SqlNode): boolean {
  return node['class'] === 'FUNCTION' && String(node['function_name']).toLowerCase() === 'nextval';
}

function anyNumber(nextval: SqlNode): SqlNode {
  const call = (name: string, children: readonly SqlNode[]): SqlNode => ({
    ...nextval,
    alias: '',
    function_name: name,
    schema: '',
    catalog: '',
    is_operator: name === '*',
    children,
  });
  return {
    class: 'CAST',
    type: 'OPERATOR_CAST',
    alias: nextval['alias'],
    query_location: 0,
    child: call('*', [call('random', []), integer(MOST)]),
    cast_type: { id: 'BIGINT', type_info: null },
    try_cast: false,
  };
}
