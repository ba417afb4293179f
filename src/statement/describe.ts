/** Describes statements of every kind without running them. */
import type { SqlStatement, StatementNode } from '../../grammar/ast.ts';
import { callSpans } from '../../grammar/call-spans.ts';
import type { Parameters } from '../duck/parameters.ts';
import type { Statement } from '../execute/statement.ts';
import { placedFrom } from '../plan/placed-error.ts';
import type { ResultColumn, StatementDescription } from '../result.ts';
import { withForeignHint } from './foreign-hint.ts';
import { type Inferred, inferParameters, type ParameterTypes } from './infer-parameters.ts';
import { isJob, withoutAsync } from './names.ts';
import { parameterCount } from './parameter-places.ts';
import { mayBeSemantic, readyReceipts, runStatement } from './run.ts';

/** What the caller knows of the parameters. */
interface Given {
  readonly types: ParameterTypes;
  readonly values: Parameters | undefined;
}

interface Known {
  readonly types: ParameterTypes;
  /** Undefined if only values decide about them. */
  readonly columns: readonly ResultColumn[] | undefined;
}

/** Returns the parameters and the columns of a statement. Throws what binding the statement throws. */
export async function describeStatement(
  node: StatementNode,
  statement: Statement,
  {
    parameterTypes: types = [],
    parameters: values,
  }: {
    readonly parameterTypes?: ParameterTypes;
    readonly parameters?: Parameters;
  } = {},
): Promise<StatementDescription> {
  const known = await describe(node, statement, { types, values });
  const { source } = statement;
  const count = parameterCount(source.slice(node.span.start, node.span.end));
  const parameters = Array.from({ length: count }, (_, index) => known.types[index]);
  const { columns } = known;
  return columns === undefined
    ? { parameters, columns: [], needsValues: true }
    : { parameters, columns };
}

async function describe(node: StatementNode, statement: Statement, given: Given): Promise<Known> {
  await readyReceipts(node, statement);
  if (callSpans(statement.source, node.span).length > 0)
    return describeNested(node, statement, given);
  switch (node.kind) {
    case 'Sql':
      return describeSql(node, statement, given);
    case 'Explain': {
      const { types } = await describe(node.body, statement, given);
      return { types, columns: [{ name: 'explain', type: 'VARCHAR' }] };
    }
    case 'Map':
    case 'Run':
    case 'CreateTable':
    case 'Insert': {
      const { describeCall } = await import('./cascade.ts');
      const isPlain = node.kind === 'Map' || node.kind === 'Run';
      const body = isPlain ? node : node.body;
      // A mistake in the query is told by the call, which knows its place.
      const read = await infer(body.query.text, statement, given).catch(() => undefined);
      const query = { ...body.query, text: read?.text ?? body.query.text };
      const isOfJob = isJob(node);
      const call = isOfJob ? withoutAsync({ ...body, query }) : { ...body, query };
      const columns = await describeCall(call, node, statement);
      const types = read?.parameters ?? given.types;
      if (isOfJob) return { types, columns: (await import('./jobs.ts')).JOB_ROW };
      return { types, columns: isPlain ? columns : [] };
    }
    case 'Show': {
      const { columns } = await runStatement(node, statement);
      return { types: given.types, columns };
    }
    case 'AwaitJob':
    case 'CancelJob':
      return { types: given.types, columns: (await import('./jobs.ts')).JOB_ROW };
  }
}

/** Describes the statement around calls in brackets, with empty tables in place of the calls. */
async function describeNested(
  node: StatementNode,
  statement: Statement,
  given: Given,
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
    return await describe({ ...calls.node, span } as StatementNode, outer, given);
  } finally {
    await calls.drop();
  }
}

async function describeSql(node: SqlStatement, statement: Statement, given: Given): Promise<Known> {
  const { session, stop, source } = statement;
  const { signal } = stop;
  try {
    const { parameters, columns } = await infer(node.text, statement, given);
    if (columns !== undefined || given.values === undefined) return { types: parameters, columns };
    const read = await session.describe(node.text, { parameters: given.values, signal });
    return { types: parameters, columns: read.map(({ name, type }) => ({ name, type })) };
  } catch (thrown) {
    const refusal = withForeignHint(thrown, node.text);
    if (!mayBeSemantic(thrown)) throw placedFrom(refusal, source, node.span.start);
    const { statementParts } = await import('../../grammar/semantic/statement-parts.ts');
    const { types } = given;
    if (statementParts(node.text).kind === 'explain') {
      return { types, columns: [{ name: 'explain', type: 'VARCHAR' }] };
    }
    // DuckDB reads a PIVOT as two statements, and prepares neither without the other.
    const pivot = /\bpivot/i.test(node.text)
      ? await session.describe(node.text, { signal }).catch(() => undefined)
      : undefined;
    if (pivot !== undefined) return { types, columns: pivot };
    const { describeSemanticStatement } = await import('./semantic.ts');
    const described = await describeSemanticStatement(node, statement, refusal, (text) =>
      infer(text, statement, given),
    );
    return { types: described.parameters, columns: described.columns };
  }
}

function infer(text: string, { session, stop }: Statement, { types }: Given): Promise<Inferred> {
  const { signal } = stop;
  return inferParameters(text, types, (typed) => session.signature(typed, { signal }));
}
