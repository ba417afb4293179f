/** The way of a statement that holds semantic operators. Loaded with the first text that plain DuckDB does not take. */

import type { Diagnostic, SqlStatement } from '../grammar/ast.ts';
import { annotationDiagnostics } from '../grammar/parse-source.ts';
import type { Rewritten } from '../grammar/semantic/rewrite.ts';
import { statementParts } from '../grammar/semantic/statement-parts.ts';
import { writtenName } from '../grammar/semantic/written-name.ts';
import type { Explained } from './deliver/deliver-explain.ts';
import {
  type Delivered,
  deliverReader,
  endNotices,
  NOTHING,
  shadowNotice,
} from './deliver/delivered.ts';
import type { ResultReader } from './duck/reader.ts';
import { dropTables } from './duck/stage.ts';
import { RvbbitError } from './errors.ts';
import { Budget } from './execute/calls/budget.ts';
import { mayWrite, namesOf } from './execute/may-write.ts';
import type { StatementScope } from './execute/statement-env.ts';
import { learnAnswers } from './explain/learn-answers.ts';
import type { ExplainFormat } from './explain/render-report.ts';
import { SEMANTIC_MAX_OPEN } from './limits.ts';
import { loadOperators } from './operators/load-operators.ts';
import type { Notice } from './result.ts';
import { answerQuery, planAnswers } from './semantic/answer-query.ts';
import { Asker } from './semantic/ask.ts';
import { checkArguments } from './semantic/check-arguments.ts';
import { withAliasExpanded } from './semantic/expand-aliases.ts';
import { checkFallbacks } from './semantic/fallback.ts';
import { missingOf, passesOf, runStrictly, type SemanticRun } from './semantic/find-answers.ts';
import { registerLookUps } from './semantic/look-up.ts';
import { NativeLookUps } from './semantic/native-look-up.ts';
import { PlanReport } from './semantic/plan-report.ts';
import { readSemanticStatement, type SemanticStatement } from './semantic/read-statement.ts';
import { type SemanticSettings, semanticSettings } from './semantic/semantic-settings.ts';
import { inWords } from './semantic/source-error.ts';
import { withSpellingHint } from './semantic/spelling-hint.ts';
import { openingOf, type StatementContext } from './statement-context.ts';

/**
 * Runs the statement to its end. `refusal` is what DuckDB said of it as it stands, and is thrown where the
 * statement holds no semantic operator.
 */
export async function runSemanticStatement(
  statement: SqlStatement,
  scope: StatementScope,
  context: StatementContext,
  refusal: unknown,
): Promise<Delivered> {
  const { text } = statement;
  const outer = statementParts(text);
  const delivered =
    outer.kind === 'explain'
      ? await runExplain(statement, outer.format, scope, context)
      : await withRun(statement, text, scope, context, async (run) => {
          const reader = await execute(run);
          if (reader === undefined) return { ...NOTHING, notices: noticesOf(run, true) };
          const rows = await deliverReader(reader, context.valueForm, noticesOf(run, false));
          return withWrittenNames(rows, run.statement);
        });
  if (delivered !== undefined) return delivered;
  throw withSpellingHint(refusal, text, await loadOperators(context.cascadeRoot));
}

async function runExplain(
  statement: SqlStatement,
  format: ExplainFormat,
  scope: StatementScope,
  context: StatementContext,
): Promise<Delivered | undefined> {
  const explained = await explainSemanticStatement(statement, scope, context);
  if (explained === undefined) return undefined;
  const { deliverExplain } = await import('./deliver/deliver-explain.ts');
  return deliverExplain(explained, format);
}

/** What the statement would do, with or without EXPLAIN before it; undefined where it holds no semantic operator. */
export async function explainSemanticStatement(
  statement: SqlStatement,
  scope: StatementScope,
  context: StatementContext,
): Promise<Explained | undefined> {
  const outer = statementParts(statement.text);
  const isExplain = outer.kind === 'explain';
  const text = isExplain ? statement.text.slice(outer.body.start, outer.body.end) : statement.text;
  // What the caller writes to a file is the report.
  return withRun(statement, text, { ...scope, output: undefined }, context, async (run) => {
    const { explainSemantic } = await import('./explain/explain-semantic.ts');
    const { explainContext } = await import('./explain/explain-context.ts');
    const report = await explainSemantic(run, context.models, explainContext(context));
    if (!isExplain || !outer.analyze) return { report, notices: [] };
    const { withActual } = await import('./explain/compare.ts');
    const startedMs = performance.now();
    const reader = await execute(run);
    const actual = withActual(report, scope.ledger.figures, {
      resultRows: reader?.returnsRows === true ? reader.rowCount : (reader?.changes ?? 0),
      runs: run.asker.asked,
      seconds: (performance.now() - startedMs) / 1_000,
      isComplete: scope.stop.drained === undefined,
    });
    return { report: actual, notices: noticesOf(run, reader === undefined) };
  });
}

/** Reads and opens the statement for `work`; undefined where it holds no semantic operator. */
async function withRun<T>(
  statement: SqlStatement,
  text: string,
  scope: StatementScope,
  context: StatementContext,
  work: (run: SemanticRun) => Promise<T>,
): Promise<T | undefined> {
  const registry = await loadOperators(context.cascadeRoot);
  const { session, stop } = scope;
  const { signal } = stop;
  // What is wrong with an annotation matters only once there is an operator: on plain SQL it is a comment.
  const targets = targetsOf(text, scope.output);
  const settings = settingsOf(statement, context, targets.length > 0);
  const threshold = settings instanceof RvbbitError ? 0 : settings.threshold;
  const options = { session, threshold, signal, cascadeRoot: context.cascadeRoot };
  const read = await readSemanticStatement(text, registry, options);
  if (read === undefined) return undefined;
  let run: SemanticRun | undefined;
  try {
    if (settings instanceof RvbbitError) throw settings;
    run = await openRun(read, settings, { statement, scope, context, targets });
    await registerLookUps(session, read.uses, run.state, signal);
    return await work({ ...run, statement: await checked(read, scope) });
  } catch (thrown) {
    throw run === undefined ? thrown : withOnErrorTold(thrown, run);
  } finally {
    const shares = learnAnswers(read.books, threshold);
    if (shares.length > 0) scope.ledger.note({ t: 'answers.learned', shares });
    if (run !== undefined) await dropTables(session, run.stages);
    read.release();
  }
}

/** The tables and files that a statement writes; `output`: the file that the caller writes its rows to. */
function targetsOf(text: string, output: string | undefined): readonly string[] {
  const parts = statementParts(text);
  const isCreate = parts.kind === 'around' && parts.verb === 'CREATE TABLE';
  // The command line makes a table of its own on the way to a Parquet file.
  const isWay = parts.kind === 'query' || (isCreate && output !== undefined);
  const changed = isWay ? undefined : (writtenName(text) ?? 'the database');
  return [changed, output].filter((name) => name !== undefined);
}

/** The error, with what can be said of it where a failed answer ended a statement that says nothing of such. */
function withOnErrorTold(thrown: unknown, { settings, scope, targets }: SemanticRun): unknown {
  const isToldOf = settings.isOnErrorUnsaid && settings.onError.kind === 'fail';
  if (!(thrown instanceof RvbbitError) || !isToldOf || scope.ledger.figures.rows.failed === 0) {
    return thrown;
  }
  const { code, stage, sqlState, retryable, message } = thrown;
  const advice = `nothing was written to ${namesOf(targets)}; where NULL may stand for an answer that failed, say -- @ on_error: null`;
  return new RvbbitError(code, `${message}; ${advice}`, {
    stage,
    sqlState,
    retryable,
    cause: thrown,
  });
}

/** The statement as DuckDB binds it. Throws what is wrong with it. */
async function checked(
  statement: SemanticStatement,
  scope: StatementScope,
): Promise<SemanticStatement> {
  try {
    await checkArguments(statement, scope);
    return statement;
  } catch (thrown) {
    const expanded = await withAliasExpanded(statement, thrown, scope);
    if (expanded === undefined) throw thrown;
    return checked(expanded, scope);
  }
}

async function openRun(
  read: SemanticStatement,
  settings: SemanticSettings,
  {
    statement,
    scope,
    context,
    targets,
  }: {
    statement: SqlStatement;
    scope: StatementScope;
    context: StatementContext;
    targets: readonly string[];
  },
): Promise<SemanticRun> {
  checkFallbacks(read, settings);
  await scope.desk.journal.open();
  scope.ledger.open({
    ...openingOf(statement, scope, context),
    kind: statementParts(statement.text).kind === 'explain' ? 'explain' : 'sql',
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
    targets,
    stages: [],
    expectedRows: 0,
    refusesNative: false,
    refusesJoined: false,
  };
}

/**
 * The result, once its answers are on disk; undefined where the statement changes data and ended early: it is to be
 * run again.
 */
async function execute(run: SemanticRun): Promise<ResultReader | undefined> {
  if (run.statement.parts.kind !== 'query') return changeData(run);
  const reader = await answerQuery(run);
  // Of a query that ended early the caller gets what there is.
  await mayWrite(run.scope, run.targets);
  return reader;
}

async function changeData(run: SemanticRun): Promise<ResultReader | undefined> {
  const { whole, dry, parts } = run.statement;
  if (dry === undefined) return runStrictly(run, whole);
  if (parts.kind === 'around' && parts.isEmpty === true) return createEmpty(run, dry);
  const { reads, query, where } = await planAnswers(run, dry);
  const { columns } = await passesOf(run, reads);
  if (parts.kind !== 'around') {
    return runStrictly(run, where === undefined ? whole : run.statement.wholeWhere(where));
  }
  // A table or file gets no column that is called after a symbol.
  const names = columns.map(({ name }) => inWords(name, run.statement));
  const isKept = parts.verb === 'INSERT' || columns.every(({ name }, at) => name === names[at]);
  return runStrictly(run, run.statement.wholeWith(query?.text, isKept ? undefined : names));
}

/** WITH NO DATA: no operator is called, and so none is asked. */
async function createEmpty(run: SemanticRun, dry: Rewritten): Promise<ResultReader | undefined> {
  const { session, parameters, stop } = run.scope;
  const columns = await session.describe(dry.text, { parameters, signal: stop.signal });
  const names = columns.map(({ name }) => inWords(name, run.statement));
  const isKept = columns.every(({ name }, at) => name === names[at]);
  return runStrictly(run, run.statement.wholeWith(undefined, isKept ? undefined : names));
}

/** The settings, or what is wrong with the annotations. */
function settingsOf(
  statement: SqlStatement,
  { source, resumeParallel }: StatementContext,
  writes: boolean,
): SemanticSettings | RvbbitError {
  const [wrong] = annotationDiagnostics(source, statement.annotations);
  if (wrong !== undefined) return wrongAnnotation(wrong);
  try {
    const settings = semanticSettings(statement.annotations, writes);
    return { ...settings, parallel: resumeParallel ?? settings.parallel };
  } catch (thrown) {
    if (thrown instanceof RvbbitError) return thrown;
    throw thrown;
  }
}

/** `isWithheld`: it changes data and has changed none. */
function noticesOf(run: SemanticRun, isWithheld: boolean): readonly Notice[] {
  const { statement, asker, scope, settings, targets } = run;
  const unasked = scope.stop.drained === undefined || isWithheld ? 0 : missingOf(run);
  const failed = statement.books.reduce((sum, book) => sum + book.failed, unasked);
  const notices: Notice[] = [
    ...asker.advisories.notices(),
    ...asker.shadowing.map(shadowNotice),
    ...endNotices(scope, isWithheld),
  ];
  if (failed > 0) {
    const [are, count] = failed === 1 ? ['is', 'counts'] : ['are', 'count'];
    const instead = settings.onError.kind === 'default' ? 'the default of on_error' : 'NULL';
    const where =
      targets.length === 0 || isWithheld ? 'the result' : `what ${namesOf(targets)} got`;
    // Of questions that were not asked nobody knows how many there are.
    const all = unasked > 0 ? '' : ` of ${asker.asked}`;
    const what = `${failed}${all} answers ${are} missing and ${count} as ${instead}`;
    notices.unshift({
      code: 'RVB_ANSWERS_MISSING',
      message: `${what}, which can take rows out of ${where} or bring them in; the failures say why`,
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
