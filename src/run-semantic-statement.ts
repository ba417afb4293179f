/** The way of a statement that holds semantic operators. Loaded with the first text that plain DuckDB does not take. */
import type { Diagnostic, SqlStatement } from '../grammar/ast.ts';
import { annotationDiagnostics } from '../grammar/parse-source.ts';
import { statementParts } from '../grammar/semantic/statement-parts.ts';
import { type Delivered, deliverReader, endNotices, shadowNotice } from './deliver/delivered.ts';
import type { ResultReader } from './duck/reader.ts';
import { RvbbitError } from './errors.ts';
import { Budget } from './execute/calls/budget.ts';
import type { StatementScope } from './execute/statement-env.ts';
import { SEMANTIC_MAX_OPEN } from './limits.ts';
import { loadOperators } from './operators/load-operators.ts';
import type { Notice } from './result.ts';
import { answerQuery, planAnswers } from './semantic/answer-query.ts';
import { Asker } from './semantic/ask.ts';
import { checkArguments } from './semantic/check-arguments.ts';
import { explainLines, explainQuery, type SemanticActual } from './semantic/explain-query.ts';
import { missingOf, passesOf, runStrictly, type SemanticRun } from './semantic/find-answers.ts';
import { registerLookUps } from './semantic/look-up.ts';
import { NativeLookUps } from './semantic/native-look-up.ts';
import { PlanReport } from './semantic/plan-report.ts';
import { readSemanticStatement, type SemanticStatement } from './semantic/read-statement.ts';
import { type SemanticSettings, semanticSettings } from './semantic/semantic-settings.ts';
import { inWords } from './semantic/source-error.ts';
import { type StatementContext, textOf } from './statement-context.ts';

/** Runs the statement to its end; undefined where it holds no semantic operator. */
export async function runSemanticStatement(
  statement: SqlStatement,
  scope: StatementScope,
  context: StatementContext,
): Promise<Delivered | undefined> {
  const registry = await loadOperators(context.cascadeRoot);
  const outer = statementParts(statement.text);
  const explained = outer.kind === 'explain' ? outer : undefined;
  const text =
    explained === undefined
      ? statement.text
      : statement.text.slice(explained.body.start, explained.body.end);
  const { session, stop } = scope;
  const { signal } = stop;
  // What is wrong with an annotation matters only once there is an operator: on plain SQL it is a comment.
  const settings = settingsOf(statement, context.source);
  const threshold = settings instanceof RvbbitError ? 0 : settings.threshold;
  const options = { session, threshold, signal, cascadeRoot: context.cascadeRoot };
  const read = await readSemanticStatement(text, registry, options);
  if (read === undefined) return undefined;
  try {
    if (settings instanceof RvbbitError) throw settings;
    const run = await openRun(read, settings, { statement, scope, context });
    await registerLookUps(session, read.uses, run.state, signal);
    await checkArguments(read, scope);
    if (explained !== undefined) return await explainRun(run, explained);
    const reader = await execute(run);
    await scope.desk.journal.commit();
    const delivered = await deliverReader(reader, context.valueForm, noticesOf(run));
    return withWrittenNames(delivered, read);
  } finally {
    read.release();
  }
}

async function openRun(
  read: SemanticStatement,
  settings: SemanticSettings,
  {
    statement,
    scope,
    context,
  }: { statement: SqlStatement; scope: StatementScope; context: StatementContext },
): Promise<SemanticRun> {
  await scope.desk.journal.open();
  scope.ledger.open({
    sql: textOf(statement, context.source),
    kind: 'sql',
    origin: context.origin,
    parallel: settings.parallel,
    cascade: read.books.map(({ operator }) => operator.cascade.file).join(', '),
  });
  const hasBudget = Object.keys(settings.budget).length > 0;
  const budget = hasBudget ? new Budget(settings.budget) : undefined;
  return {
    statement: read,
    settings,
    scope,
    asker: new Asker(scope, context.models, settings, budget),
    state: { strict: false, stopped: false, rows: 0, mostMissing: SEMANTIC_MAX_OPEN },
    report: new PlanReport(),
    native: new NativeLookUps(scope.session, read.uses),
    expectedRows: 0,
    refusesNative: false,
  };
}

function execute(run: SemanticRun): Promise<ResultReader> {
  return run.statement.parts.kind === 'query' ? answerQuery(run) : changeData(run);
}

async function changeData(run: SemanticRun): Promise<ResultReader> {
  const { whole, dry, parts } = run.statement;
  if (dry === undefined) return runStrictly(run, whole);
  const query = await planAnswers(run);
  if (parts.kind !== 'around') {
    await passesOf(run, dry);
    return runStrictly(run, whole);
  }
  const { columns } = await passesOf(run, query ?? dry);
  // A table or file gets no column that is called after a symbol.
  const names = columns.map(({ name }) => inWords(name, run.statement));
  const isKept = parts.verb === 'INSERT' || columns.every(({ name }, at) => name === names[at]);
  return runStrictly(run, run.statement.wholeWith(query?.text, isKept ? undefined : names));
}

async function explainRun(
  run: SemanticRun,
  { analyze, format }: { readonly analyze: boolean; readonly format: 'text' | 'tree' | 'json' },
): Promise<Delivered> {
  const explain = await explainQuery(run);
  let actual: SemanticActual | undefined;
  if (analyze) {
    run.report.passes = 0;
    const reader = await execute(run);
    await run.scope.desk.journal.commit();
    actual = {
      questions: run.asker.asked,
      failed: run.statement.books.reduce((sum, book) => sum + book.failed, 0),
      passes: run.report.passes,
      rows: reader.returnsRows ? reader.rowCount : (reader.changes ?? 0),
      durationMs: Math.round(run.scope.ledger.elapsedMs),
    };
  }
  const lines = explainLines(explain, actual, format);
  return {
    columns: [{ name: 'explain', type: 'VARCHAR' }],
    rows: lines.map((line) => ({ explain: line })),
    rowCount: lines.length,
    notices: analyze ? noticesOf(run) : [],
  };
}

/** The settings, or what is wrong with the annotations. */
function settingsOf(statement: SqlStatement, source: string): SemanticSettings | RvbbitError {
  const [wrong] = annotationDiagnostics(source, statement.annotations);
  if (wrong !== undefined) return wrongAnnotation(wrong);
  try {
    return semanticSettings(statement.annotations);
  } catch (thrown) {
    if (thrown instanceof RvbbitError) return thrown;
    throw thrown;
  }
}

function noticesOf(run: SemanticRun): readonly Notice[] {
  const { statement, asker, scope } = run;
  const unasked = scope.stop.drained === undefined ? 0 : missingOf(run);
  const failed = statement.books.reduce((sum, book) => sum + book.failed, unasked);
  const notices: Notice[] = [
    ...asker.advisories.notices(),
    ...asker.shadowing.map(shadowNotice),
    ...endNotices(scope),
  ];
  if (failed > 0) {
    const what =
      failed === 1 ? '1 answer is missing and counts' : `${failed} answers are missing and count`;
    notices.unshift({
      code: 'RVB_ANSWERS_MISSING',
      message: `${what} as NULL, which can take rows out of the result or bring them in; the failures say why`,
    });
  }
  return notices;
}

/** Columns that DuckDB named after a symbol are named after its words. */
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

function wrongAnnotation({ code, line, column, message, excerpt }: Diagnostic): RvbbitError {
  return new RvbbitError(code, `line ${line}, column ${column}: ${message}\n${excerpt}`, {
    stage: 'parse',
    place: { line, column },
  });
}
