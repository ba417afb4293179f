/** Runs and explains statements with semantic operators. Loaded with the first text that plain DuckDB does not accept. */

import type { SqlStatement } from '../../grammar/ast.ts';
import { statementParts } from '../../grammar/semantic/statement-parts.ts';
import { type Delivered, deliverReader, NOTHING } from '../deliver/delivered.ts';
import type { ResultReader } from '../duck/reader.ts';
import { mayWrite } from '../execute/may-write.ts';
import type { Statement } from '../execute/statement.ts';
import type { ExplainFormat } from '../explain/report/render-report.ts';
import { loadOperators } from '../operators/load-operators.ts';
import { placedFrom } from '../plan/placed-error.ts';
import type { Notice } from '../result.ts';
import { keepAnswers } from '../semantic/answer-kept.ts';
import { answerQuery } from '../semantic/answer-query.ts';
import type { SemanticStatement } from '../semantic/read/read-statement.ts';
import { inWords } from '../semantic/read/rewritten-error.ts';
import { withSpellingHint } from '../semantic/read/spelling-hint.ts';
import type { SemanticQuery } from '../semantic/semantic-query.ts';
import { changeData } from './change-data.ts';
import type { Explained } from './explain.ts';
import type { Inferred } from './infer-parameters.ts';
import { withRun } from './open-semantic.ts';
import { noticesOf } from './semantic-notices.ts';

/** Takes rows of a statement that go on. Resolves when they are read. */
export type GiveRows = (part: Delivered) => Promise<void>;

/**
 * Runs the statement to its end. `refusal` is DuckDB's error about the original statement. It is thrown if the
 * statement has no semantic operator. `give` takes the first rows, if they are certain before the others.
 */
export async function runSemanticStatement(
  node: SqlStatement,
  statement: Statement,
  refusal: unknown,
  give?: GiveRows,
): Promise<Delivered> {
  const { text } = node;
  const outer = statementParts(text);
  const delivered =
    outer.kind === 'explain'
      ? await runExplain(node, outer.format, statement)
      : await withRun(node, { start: 0, end: text.length }, statement, async (run, again) => {
          const part = async (reader: ResultReader, notices: readonly Notice[]) =>
            withWrittenNames(await deliverReader(reader, statement.valueForm, notices), run.read);
          const giveRows = give && (async (reader: ResultReader) => give(await part(reader, [])));
          const reader = await execute({ ...run, give: giveRows }, again);
          if (reader === undefined) return { ...NOTHING, notices: noticesOf(run, true) };
          return part(reader, noticesOf(run, false));
        });
  if (delivered !== undefined) return delivered;
  const hinted = withSpellingHint(
    refusal,
    text,
    await loadOperators(await statement.cascadeRoots()),
  );
  throw placedFrom(hinted, statement.source, node.span.start);
}

async function runExplain(
  node: SqlStatement,
  format: ExplainFormat,
  statement: Statement,
): Promise<Delivered | undefined> {
  const explained = await explainSemanticStatement(node, statement);
  if (explained === undefined) return undefined;
  const { deliverExplain } = await import('./explain.ts');
  return deliverExplain(explained, format);
}

/**
 * Returns the report of what the statement would do, with or without EXPLAIN before it; undefined without semantic
 * operators.
 */
export async function explainSemanticStatement(
  node: SqlStatement,
  statement: Statement,
): Promise<Explained | undefined> {
  const outer = statementParts(node.text);
  const isExplain = outer.kind === 'explain';
  const part = isExplain ? outer.body : { start: 0, end: node.text.length };
  // If the caller writes to a file, the file gets the report.
  return withRun(node, part, { ...statement, output: undefined }, async (run) => {
    const { explainSemantic } = await import('../explain/explain-semantic.ts');
    const { explainContext } = await import('../explain/explain-context.ts');
    const report = await explainSemantic(run, explainContext(statement));
    if (!isExplain || !outer.analyze) return { report, notices: [] };
    const { withActual } = await import('../explain/report/compare.ts');
    const startedMs = performance.now();
    const reader = await execute(run);
    const actual = withActual(report, statement.ledger.figures, {
      resultRows: reader?.returnsRows === true ? reader.rowCount : (reader?.changes ?? 0),
      runs: run.asker.asked,
      seconds: (performance.now() - startedMs) / 1_000,
      isComplete: statement.stop.drained === undefined,
    });
    return { report: actual, notices: noticesOf(run, reader === undefined) };
  });
}

/** Returns the parameters and columns of a statement with semantic operators; no columns if it returns no rows. */
export async function describeSemanticStatement(
  node: SqlStatement,
  statement: Statement,
  refusal: unknown,
  infer: (text: string) => Promise<Inferred>,
): Promise<Pick<Inferred, 'parameters' | 'columns'>> {
  const all = { start: 0, end: node.text.length };
  const described = await withRun(node, all, statement, async ({ read }) => {
    if (read.dry === undefined) return { parameters: [], columns: [] };
    const { parameters, columns } = await infer(read.dry.text);
    if (read.parts.kind !== 'query') return { parameters, columns: [] };
    return {
      parameters,
      columns: columns?.map(({ name, type }) => ({ name: inWords(name, read), type })),
    };
  });
  if (described !== undefined) return described;
  throw placedFrom(refusal, statement.source, node.span.start);
}

/**
 * Returns the result once its answers are on disk. Returns undefined for a statement that changes data and ended
 * early: it is to be run again.
 */
async function execute(
  run: SemanticQuery,
  again?: ResultReader,
): Promise<ResultReader | undefined> {
  if (run.read.parts.kind !== 'query') {
    const changed = await changeData(run);
    await keepAnswers(run);
    return changed;
  }
  const reader = again ?? (await answerQuery(run));
  // Without a target this only waits until the answers are on disk. If a query ended early, the caller gets its rows
  // so far.
  await mayWrite(run.statement, run.targets);
  return reader;
}

/** Renames columns that DuckDB named after an operator's symbol: they are named after the operator's words. */
function withWrittenNames(delivered: Delivered, statement: SemanticStatement): Delivered {
  const names = new Map(delivered.columns.map(({ name }) => [name, inWords(name, statement)]));
  if (delivered.columns.every(({ name }) => names.get(name) === name)) return delivered;
  return {
    ...delivered,
    columns: delivered.columns.map((column) => ({ ...column, name: names.get(column.name)! })),
    rows: delivered.rows.map((row) =>
      Object.fromEntries(Object.entries(row).map(([name, value]) => [names.get(name)!, value])),
    ),
  };
}
