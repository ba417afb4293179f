/** Describes statements of every kind without running them. */
import type { SqlStatement, StatementNode } from '../../grammar/ast.ts';
import { callSpans } from '../../grammar/call-spans.ts';
import type { Signature } from '../duck/signature.ts';
import type { Statement } from '../execute/statement.ts';
import { placedFrom } from '../plan/placed-error.ts';
import type { ResultColumn, StatementDescription } from '../result.ts';
import { withForeignHint } from './foreign-hint.ts';
import { parameterCount, withNulls } from './parameter-places.ts';
import { mayBeSemantic, readyReceipts, unsupported } from './run.ts';

/** The type by which a column is described if only a bound value decides its type. */
const UNKNOWN = 'VARCHAR';

/** DuckDB's type of a NULL of which nothing is known. */
const NULL_TYPE = '"NULL"';

/** The types that the caller declares for `$1`, `$2`, …. */
export type DeclaredTypes = readonly (string | undefined)[];

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
  declared: DeclaredTypes = [],
): Promise<StatementDescription> {
  const { types, columns } = await describe(node, statement, declared);
  const { source } = statement;
  const count = parameterCount(source.slice(node.span.start, node.span.end));
  const parameters = Array.from({ length: count }, (_, index) => types.get(String(index + 1)));
  return { parameters, columns };
}

async function describe(
  node: StatementNode,
  statement: Statement,
  declared: DeclaredTypes,
): Promise<Known> {
  await readyReceipts(node, statement);
  if (callSpans(statement.source, node.span).length > 0)
    return describeNested(node, statement, declared);
  switch (node.kind) {
    case 'Sql':
      return describeSql(node, statement, declared);
    case 'Explain': {
      const { types } = await describe(node.body, statement, declared);
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
async function describeNested(
  node: StatementNode,
  statement: Statement,
  declared: DeclaredTypes,
): Promise<Known> {
  const { withColumns } = await import('./run-calls.ts');
  const { source: text } = statement;
  const count = parameterCount(text.slice(node.span.start, node.span.end));
  // The calls' queries are bound with NULLs. None of them reads a row.
  const nulls = Array.from({ length: count }, (_, index) => [String(index + 1), null]);
  const parameters = count === 0 ? undefined : Object.fromEntries(nulls);
  const calls = await withColumns(node, { ...statement, parameters });
  try {
    const { text: rest } = calls.node as SqlStatement;
    const span = { start: 0, end: rest.length };
    const outer = { ...calls.statement, source: rest };
    return await describe({ ...calls.node, span } as StatementNode, outer, declared);
  } finally {
    await calls.drop();
  }
}

async function describeSql(
  node: SqlStatement,
  statement: Statement,
  declared: DeclaredTypes,
): Promise<Known> {
  const { session, stop, source } = statement;
  const { signal } = stop;
  try {
    const known = await signatureOf(node.text, declared, (text) =>
      session.signature(text, { signal }),
    );
    const columns = known.columns.map(({ name, type }) => ({
      name,
      type: type === undefined || type === NULL_TYPE ? UNKNOWN : type,
    }));
    return { types: known.parameters, columns };
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

/**
 * Returns the signature of a statement. DuckDB knows no column as long as one of the parameters has no type. A NULL in
 * place of such a parameter then gives the columns, and the types of the others. If DuckDB does not take the NULLs
 * either, the columns stay unknown.
 */
async function signatureOf(
  text: string,
  declared: DeclaredTypes,
  prepare: (text: string) => Promise<Signature>,
): Promise<Signature> {
  const prepared = async (nullOf: (name: string) => string | undefined): Promise<Signature> => {
    const { text: filled, names } = withNulls(text, nullOf);
    const { columns, parameters } = await prepare(filled);
    const named = [...parameters].map(
      ([name, type]) => [names[Number(name) - 1] ?? name, type] as const,
    );
    return { columns, parameters: new Map(named) };
  };
  const first = await prepared(() => undefined);
  const isOpen = (name: string) => first.parameters.get(name) === undefined;
  if (![...first.parameters.keys()].some(isOpen)) return first;
  const filledWith = (other: string) =>
    prepared((name) => {
      if (!isOpen(name)) return undefined;
      const type = declared[Number(name) - 1];
      return type === undefined ? other : `CAST(NULL AS ${type})`;
    });
  // DuckDB reads a parameter without a type as a text, unless the text around it takes none.
  const second = await filledWith(`CAST(NULL AS ${UNKNOWN})`)
    .catch(() => filledWith('NULL'))
    .catch(() => undefined);
  if (second === undefined) return first;
  const parameters = new Map([...first.parameters, ...second.parameters]);
  return { columns: second.columns, parameters };
}
