/** The names of statements in results and in the journal. */
import type {
  CreateTableStatement,
  MapStatement,
  RunStatement,
  StatementNode,
} from '../../grammar/ast.ts';
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

/** Records the opening of a statement that runs no cascade itself. The record is not kept on disk. */
export function noteOpening(node: StatementNode, { source, origin, ledger }: Statement): void {
  ledger.open({ sql: textOf(node, source), kind: 'sql', origin, parallel: 1 });
}

/** A statement that may be a job. */
export type Task = MapStatement | RunStatement | CreateTableStatement;

/** Whether a statement is to run as a job. */
export function isJob(node: StatementNode): node is Task {
  if (node.kind === 'CreateTable') return isJob(node.body);
  return (node.kind === 'Map' || node.kind === 'Run') && node.async !== undefined;
}

/** Returns the statement that a job runs: without ASYNC, and with CREATE TABLE for the `as_table` of a MAP. */
export function taskOf(node: Task): Task {
  if (node.kind === 'CreateTable') return { ...node, body: withoutAsync(node.body) };
  const body = withoutAsync(node);
  if (body.kind === 'Run') return body;
  const asTable = body.options.find(({ key }) => key.value === 'as_table')!;
  const { span } = asTable.value;
  const value = String(asTable.value.value);
  return {
    kind: 'CreateTable',
    orReplace: false,
    temporary: false,
    ifNotExists: false,
    table: {
      kind: 'QualifiedName',
      parts: [{ kind: 'Identifier', value, quoted: true, span }],
      span,
    },
    body: { ...body, options: body.options.filter((option) => option !== asTable) },
    span: body.span,
    annotations: body.annotations,
  };
}

/** Returns a MAP or RUN without ASYNC. */
export function withoutAsync<T extends MapStatement | RunStatement>({ async: _, ...rest }: T): T {
  return rest as T;
}
