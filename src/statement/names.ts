/** The names of statements in results and in the journal. */
import type { StatementNode } from '../../grammar/ast.ts';
import type { Statement } from '../execute/statement.ts';
import type { StatementOpen } from '../journal/records.ts';
import type { NamePrefix } from '../journal/session-name.ts';
import type { StatementKind } from '../result.ts';
import { packageVersion } from '../util/version.ts';

/** Returns the kind of a statement, as results and the journal have it. */
export function kindOf(node: StatementNode): StatementKind {
  switch (node.kind) {
    case 'Map':
      return 'map';
    case 'Run':
      return 'run';
    case 'CreateTable':
      return 'create_table';
    case 'Insert':
      return 'insert';
    case 'Explain':
      return 'explain';
    default:
      return 'sql';
  }
}

/** Returns the first word of a statement's session name: `udf` of `udf-clever-fox`. */
export function prefixOf(node: StatementNode): NamePrefix {
  if (node.kind === 'CreateTable' || node.kind === 'Insert') {
    return prefixOf(node.body);
  }
  return node.kind === 'Map' ? 'udf' : node.kind === 'Run' ? 'batch' : 'sql';
}

/** Returns the statement's text with its annotations. */
export function textOf({ span, annotations }: StatementNode, source: string): string {
  return source.slice(annotations[0]?.span.start ?? span.start, span.end);
}

/** Returns the part of a statement's first record that is the same for all kinds of statements. It is used to find and resume the statement. */
export function openingOf(
  node: StatementNode,
  { parameters, source, origin, resumes }: Statement,
): Pick<StatementOpen, 'sql' | 'origin' | 'engine' | 'hasParameters' | 'resumes'> {
  return {
    sql: textOf(node, source),
    origin,
    engine: packageVersion(),
    ...(parameters === undefined ? {} : { hasParameters: true }),
    ...(resumes === undefined ? {} : { resumes }),
  };
}
