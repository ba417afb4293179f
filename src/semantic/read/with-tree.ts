/** Puts a changed tree back into a semantic statement. */
import { type SqlNode, treeToSql } from '../../duck/parse-sql.ts';
import type { Statement } from '../../execute/statement.ts';
import type { SemanticStatement } from './read-statement.ts';

/** The statement with another tree for its query, and with the texts that follow from the tree. */
export async function withTree(
  read: SemanticStatement,
  tree: SqlNode,
  { session, stop }: Pick<Statement, 'session' | 'stop'>,
): Promise<SemanticStatement> {
  const text = await treeToSql(session, tree, stop.signal);
  const dry = { text, sourceOffset: () => 0 };
  const changed = { ...read, tree: [tree], dry };
  switch (read.parts.kind) {
    case 'query':
      return { ...changed, whole: dry };
    case 'around':
      return {
        ...changed,
        whole: read.wholeWith(text, undefined),
        wholeWith: (query, names) => read.wholeWith(query ?? text, names),
      };
    default:
      return changed;
  }
}
