/** A semantic statement whose query was changed as a tree. */
import { type SqlNode, treeToSql } from '../duck/parse-sql.ts';
import type { StatementScope } from '../execute/statement-env.ts';
import type { SemanticStatement } from './read-statement.ts';

/** The statement with another tree for its query, and the texts that follow from it. */
export async function withTree(
  statement: SemanticStatement,
  tree: SqlNode,
  { session, stop }: Pick<StatementScope, 'session' | 'stop'>,
): Promise<SemanticStatement> {
  const text = await treeToSql(session, tree, stop.signal);
  const dry = { text, sourceOffset: () => 0 };
  const changed = { ...statement, tree: [tree], dry };
  switch (statement.parts.kind) {
    case 'query':
      return { ...changed, whole: dry };
    case 'around':
      return {
        ...changed,
        whole: statement.wholeWith(text, undefined),
        wholeWith: (query, names) => statement.wholeWith(query ?? text, names),
      };
    default:
      return changed;
  }
}
