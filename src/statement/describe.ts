/** Describes statements of every kind without running them. */
import type { SqlStatement, StatementNode } from '../../grammar/ast.ts';
import { callSpans } from '../../grammar/call-spans.ts';
import type { Statement } from '../execute/statement.ts';
import { placedFrom } from '../plan/placed-error.ts';
import type { ResultColumn, StatementDescription } from '../result.ts';
import { withForeignHint } from './foreign-hint.ts';
import { parameterCount } from './parameter-places.ts';
import { mayBeSemantic, readyReceipts, unsupported } from './run.ts';

/** The type by which a column is described if only a bound value decides its type. */
const UNKNOWN = 'VARCHAR';

/** The parameter types that are known, by name. */
type Types = ReadonlyMap<string, string | undefined>;

interface Known {
  readonly types: Types;
  readonly columns: readonly ResultColumn[];
}

/** Returns the parameters and the columns of a statement. Throws what binding the statement throws. */
export async function describeStatement(
  node: StatementNode,
  statement: Statement,
): Promise<StatementDescription> {
  const { types, columns } = await describe(node, statement);
  const { source } = statement;
  const count = parameterCount(source.slice(node.span.start, node.span.end));
  const parameters = Array.from({ length: count }, (_, index) => types.get(String(index + 1)));
  return { parameters, columns };
}

async function describe(node: StatementNode, statement: Statement): Promise<Known> {
  await readyReceipts(node, statement);
  if (callSpans(statement.source, node.span).length > 0) return describeNested(node, statement);
  switch (node.kind) {
    case 'Sql':
      return describeSql(node, statement);
    case 'Explain': {
      const { types } = await describe(node.body, statement);
      return { types, columns: [{ name: 'explain', type: 'VARCHAR' }] };
    }
    case 'Map':
    case 'Run':
    case 'CreateTable':
    case 'Insert': {
      const { describeCall } = await import('./cascade.ts');
      const isPlain = node.kind === 'Map' || node.kind === 'Run';
      const body = isPlain ? node : node.body;
      const { columns, query } = await describeCall(body, node, statement);
      const { session, stop } = statement;
      const known = await session.signature(query, stop).catch(() => undefined);
      return { types: known?.parameters ?? new Map(), columns: isPlain ? columns : [] };
    }
    default:
      throw unsupported('a statement about jobs');
  }
}

/** Describes the statement around calls in brackets, with empty tables in place of the calls. */
async function describeNested(node: StatementNode, statement: Statement): Promise<Known> {
  const { withColumns } = await import('./run-calls.ts');
  const calls = await withColumns(node, statement);
  try {
    const { text } = calls.node as SqlStatement;
    const source = { ...calls.statement, source: text };
    const span = { start: 0, end: text.length };
    return await describe({ ...calls.node, span } as StatementNode, source);
  } finally {
    await calls.drop();
  }
}

async function describeSql(node: SqlStatement, statement: Statement): Promise<Known> {
  const { session, stop, source } = statement;
  const { signal } = stop;
  try {
    const { parameters, columns } = await session.signature(node.text, { signal });
    const typed = columns.map(({ name, type }) => ({ name, type: type ?? UNKNOWN }));
    return { types: parameters, columns: typed };
  } catch (thrown) {
    const refusal = withForeignHint(thrown, node.text);
    if (!mayBeSemantic(thrown)) throw placedFrom(refusal, source, node.span.start);
    const { statementParts } = await import('../../grammar/semantic/statement-parts.ts');
    const types = new Map<string, undefined>();
    if (statementParts(node.text).kind === 'explain') {
      return { types, columns: [{ name: 'explain', type: 'VARCHAR' }] };
    }
    // DuckDB reads a PIVOT as two statements, and prepares neither without the other.
    const pivot = /\bpivot/i.test(node.text)
      ? await session.describe(node.text, { signal }).catch(() => undefined)
      : undefined;
    if (pivot !== undefined) return { types, columns: pivot };
    const { describeSemanticStatement } = await import('./semantic.ts');
    return { types, columns: await describeSemanticStatement(node, statement, refusal) };
  }
}
