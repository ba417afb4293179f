/** Explains a statement with MAPs and RUNs in brackets: each of these calls, and the statement around them. */
import type { SqlStatement, StatementNode } from '../../grammar/ast.ts';
import { callSpans } from '../../grammar/call-spans.ts';
import { statementParts } from '../../grammar/semantic/statement-parts.ts';
import type { Delivered } from '../deliver/delivered.ts';
import type { Statement } from '../execute/statement.ts';
import { type ExplainedCall, withCalls } from '../explain/explain-calls.ts';
import { placedFrom } from '../plan/placed-error.ts';
import type { ExplainReport } from '../result.ts';
import { analyzed } from './analyze.ts';
import { explainCall, explainCascadeStatement } from './cascade.ts';
import type { Explained } from './explain.ts';
import { unnest } from './nested-calls.ts';
import { explainSemanticStatement } from './semantic.ts';

/** Reads and counts what the statement would do. EXPLAIN ANALYZE then runs it by `run`. */
export async function explainNested(
  node: StatementNode,
  given: Statement,
  run: (node: StatementNode, statement: Statement) => Promise<Delivered>,
): Promise<Explained> {
  // If the caller writes to a file, the file gets the report.
  const statement = { ...given, output: undefined };
  const { inner, analyze } = explained(node);
  const report = await nestedReport(inner, statement);
  if (!analyze) return { report, notices: [] };
  return analyzed(report, statement, () => run(inner, statement));
}

/** Returns the statement that is explained, without a leading EXPLAIN. */
function explained(node: StatementNode): {
  readonly inner: StatementNode;
  readonly analyze: boolean;
} {
  if (node.kind === 'Explain') return { inner: node.body, analyze: node.analyze };
  const parts = node.kind === 'Sql' ? statementParts(node.text) : undefined;
  if (node.kind !== 'Sql' || parts?.kind !== 'explain') return { inner: node, analyze: false };
  const start = node.span.start + parts.body.start;
  const text = node.text.slice(parts.body.start);
  return { inner: { ...node, text, span: { start, end: node.span.end } }, analyze: parts.analyze };
}

async function nestedReport(node: StatementNode, statement: Statement): Promise<ExplainReport> {
  const reports: ExplainedCall[] = [];
  const calls = await unnest(node, statement, async (call, table, its) => {
    const isOuter = callSpans(statement.source, call.span).length > 0;
    reports.push({ report: await explainCall(call, table, its), isOuter });
    return [];
  });
  try {
    const outer = await outerReport(calls.node, calls.statement);
    return withCalls(reports, outer, statement.source.slice(node.span.start, node.span.end));
  } finally {
    await calls.drop();
  }
}

/** Returns the report of the statement around the calls; undefined for plain SQL. */
async function outerReport(
  node: StatementNode,
  statement: Statement,
): Promise<ExplainReport | undefined> {
  if (node.kind === 'Sql') return sqlReport(node, statement);
  const isCascade = node.kind !== 'Explain' && 'query' in node ? node : undefined;
  if (isCascade === undefined && node.kind !== 'CreateTable' && node.kind !== 'Insert') {
    return undefined;
  }
  const { report } = await explainCascadeStatement(isCascade ?? (node as never), node, statement);
  return report;
}

async function sqlReport(
  node: SqlStatement,
  statement: Statement,
): Promise<ExplainReport | undefined> {
  const explainedHere = await explainSemanticStatement(node, statement);
  if (explainedHere !== undefined) return explainedHere.report;
  // To explain the text, DuckDB binds it, and so finds its errors.
  const { parameters, session, stop } = statement;
  const options = { parameters, signal: stop.signal, linesBefore: 1 };
  await session.run(`EXPLAIN\n${node.text}`, options).catch((thrown: unknown) => {
    throw placedFrom(thrown, statement.source, node.span.start);
  });
  return undefined;
}
