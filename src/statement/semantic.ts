/** The way of a statement that holds semantic operators. Loaded with the first text that plain DuckDB does not take. */

import type { Diagnostic, SqlStatement } from '../../grammar/ast.ts';
import { annotationDiagnostics } from '../../grammar/parse-source.ts';
import type { Rewritten } from '../../grammar/semantic/rewrite.ts';
import { statementParts } from '../../grammar/semantic/statement-parts.ts';
import { writtenName } from '../../grammar/semantic/written-name.ts';
import { Budget } from '../calls/budget.ts';
import {
  type Delivered,
  deliverReader,
  endNotices,
  NOTHING,
  shadowNotice,
} from '../deliver/delivered.ts';
import type { ResultReader } from '../duck/reader.ts';
import { dropTables } from '../duck/stage.ts';
import { RvbbitError } from '../errors.ts';
import { mayWrite, namesOf } from '../execute/may-write.ts';
import type { Statement } from '../execute/statement.ts';
import { learnAnswers } from '../explain/learn-answers.ts';
import type { ExplainFormat } from '../explain/report/render-report.ts';
import { loadOperators } from '../operators/load-operators.ts';
import type { Notice } from '../result.ts';
import { answerQuery, planAnswers } from '../semantic/answer-query.ts';
import { Asker } from '../semantic/ask/asker.ts';
import { checkFallbacks } from '../semantic/ask/fallback.ts';
import { pairAdvice } from '../semantic/ask/pair-advice.ts';
import { missingOf, passesOf, runStrictly } from '../semantic/find-answers.ts';
import { registerLookUps } from '../semantic/look-up/look-up.ts';
import { NativeLookUps } from '../semantic/look-up/native-look-up.ts';
import { PlanReport } from '../semantic/plan/plan-report.ts';
import { checkArguments } from '../semantic/read/check-arguments.ts';
import { withAliasExpanded } from '../semantic/read/expand-aliases.ts';
import { readSemanticStatement, type SemanticStatement } from '../semantic/read/read-statement.ts';
import { inWords } from '../semantic/read/rewritten-error.ts';
import { type SemanticSettings, semanticSettings } from '../semantic/read/semantic-settings.ts';
import { withSpellingHint } from '../semantic/read/spelling-hint.ts';
import type { SemanticQuery } from '../semantic/semantic-query.ts';
import type { Explained } from './explain.ts';
import { openingOf } from './names.ts';

/** Questions of one operator that a pass may leave open; it ends when there are more. */
const SEMANTIC_MAX_OPEN = 1_000_000;

/**
 * Runs the statement to its end. `refusal` is what DuckDB said of it as it stands, and is thrown where the
 * statement holds no semantic operator.
 */
export async function runSemanticStatement(
  node: SqlStatement,
  statement: Statement,
  refusal: unknown,
): Promise<Delivered> {
  const { text } = node;
  const outer = statementParts(text);
  const delivered =
    outer.kind === 'explain'
      ? await runExplain(node, outer.format, statement)
      : await withRun(node, text, statement, async (run) => {
          const reader = await execute(run);
          if (reader === undefined) return { ...NOTHING, notices: noticesOf(run, true) };
          const rows = await deliverReader(reader, statement.valueForm, noticesOf(run, false));
          return withWrittenNames(rows, run.read);
        });
  if (delivered !== undefined) return delivered;
  throw withSpellingHint(refusal, text, await loadOperators(statement.cascadeRoot));
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

/** What the statement would do, with or without EXPLAIN before it; undefined where it holds no semantic operator. */
export async function explainSemanticStatement(
  node: SqlStatement,
  statement: Statement,
): Promise<Explained | undefined> {
  const outer = statementParts(node.text);
  const isExplain = outer.kind === 'explain';
  const text = isExplain ? node.text.slice(outer.body.start, outer.body.end) : node.text;
  // What the caller writes to a file is the report.
  return withRun(node, text, { ...statement, output: undefined }, async (run) => {
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

/** Reads and opens the statement for `work`; undefined where it holds no semantic operator. */
async function withRun<T>(
  node: SqlStatement,
  text: string,
  statement: Statement,
  work: (run: SemanticQuery) => Promise<T>,
): Promise<T | undefined> {
  const registry = await loadOperators(statement.cascadeRoot);
  const { session, stop } = statement;
  const { signal } = stop;
  // What is wrong with an annotation matters only once there is an operator: on plain SQL it is a comment.
  const targets = targetsOf(text, statement.output);
  const settings = settingsOf(node, statement, targets.length > 0);
  const threshold = settings instanceof RvbbitError ? 0 : settings.threshold;
  const options = { session, threshold, signal, cascadeRoot: statement.cascadeRoot };
  const read = await readSemanticStatement(text, registry, options);
  if (read === undefined) return undefined;
  let run: SemanticQuery | undefined;
  try {
    if (settings instanceof RvbbitError) throw settings;
    run = await openRun(read, settings, { node, statement, targets });
    await registerLookUps(session, read.uses, run.state, signal);
    return await work({ ...run, read: await checked(read, statement) });
  } catch (thrown) {
    throw run === undefined ? thrown : withOnErrorTold(thrown, run);
  } finally {
    const shares = learnAnswers(read.books, threshold);
    if (shares.length > 0) statement.ledger.note({ t: 'answers.learned', shares });
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
function withOnErrorTold(
  thrown: unknown,
  { settings, statement, targets }: SemanticQuery,
): unknown {
  const isToldOf = settings.isOnErrorUnsaid && settings.onError.kind === 'fail';
  if (!(thrown instanceof RvbbitError) || !isToldOf || statement.ledger.figures.rows.failed === 0) {
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
async function checked(read: SemanticStatement, statement: Statement): Promise<SemanticStatement> {
  try {
    await checkArguments(read, statement);
    return read;
  } catch (thrown) {
    const expanded = await withAliasExpanded(read, thrown, statement);
    if (expanded === undefined) throw thrown;
    return checked(expanded, statement);
  }
}

async function openRun(
  read: SemanticStatement,
  settings: SemanticSettings,
  {
    node,
    statement,
    targets,
  }: { node: SqlStatement; statement: Statement; targets: readonly string[] },
): Promise<SemanticQuery> {
  checkFallbacks(read, settings);
  await statement.desk.journal.open();
  statement.ledger.open({
    ...openingOf(node, statement),
    kind: statementParts(node.text).kind === 'explain' ? 'explain' : 'sql',
    parallel: settings.parallel,
    ...(settings.strategy === 'batch' ? {} : { strategy: settings.strategy }),
    cascade: read.books.map(({ operator }) => operator.cascade.file).join(', '),
  });
  const hasBudget = Object.keys(settings.budget).length > 0;
  const budget = hasBudget ? (statement.budget ?? new Budget(settings.budget)) : undefined;
  return {
    read,
    settings,
    statement,
    asker: new Asker(statement, settings, budget),
    state: { strict: false, stopped: false, rows: 0, mostMissing: SEMANTIC_MAX_OPEN },
    report: new PlanReport(),
    native: new NativeLookUps(statement.session, read.uses),
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
async function execute(run: SemanticQuery): Promise<ResultReader | undefined> {
  if (run.read.parts.kind !== 'query') return changeData(run);
  const reader = await answerQuery(run);
  // Without a target this only waits until the answers are on disk. Of a query that ended early the caller gets what there is.
  await mayWrite(run.statement, run.targets);
  return reader;
}

async function changeData(run: SemanticQuery): Promise<ResultReader | undefined> {
  const { whole, dry, parts } = run.read;
  if (dry === undefined) return runStrictly(run, whole);
  if (parts.kind === 'around' && parts.isEmpty === true) return createEmpty(run, dry);
  const { reads, query, where } = await planAnswers(run, dry);
  const { columns } = await passesOf(run, reads);
  if (parts.kind !== 'around') {
    return runStrictly(run, where === undefined ? whole : run.read.wholeWhere(where));
  }
  // A table or file gets no column that is called after a symbol.
  const names = columns.map(({ name }) => inWords(name, run.read));
  const isKept = parts.verb === 'INSERT' || columns.every(({ name }, at) => name === names[at]);
  return runStrictly(run, run.read.wholeWith(query?.text, isKept ? undefined : names));
}

/** WITH NO DATA: no operator is called, and so none is asked. */
async function createEmpty(run: SemanticQuery, dry: Rewritten): Promise<ResultReader | undefined> {
  const { session, parameters, stop } = run.statement;
  const columns = await session.describe(dry.text, { parameters, signal: stop.signal });
  const names = columns.map(({ name }) => inWords(name, run.read));
  const isKept = columns.every(({ name }, at) => name === names[at]);
  return runStrictly(run, run.read.wholeWith(undefined, isKept ? undefined : names));
}

/** The settings, or what is wrong with the annotations. */
function settingsOf(
  { annotations }: SqlStatement,
  { source, resumeParallel }: Statement,
  writes: boolean,
): SemanticSettings | RvbbitError {
  const [wrong] = annotationDiagnostics(source, annotations);
  if (wrong !== undefined) return wrongAnnotation(wrong);
  try {
    const settings = semanticSettings(annotations, writes);
    return { ...settings, parallel: resumeParallel ?? settings.parallel };
  } catch (thrown) {
    if (thrown instanceof RvbbitError) return thrown;
    throw thrown;
  }
}

/** `isWithheld`: it changes data and has changed none. */
function noticesOf(run: SemanticQuery, isWithheld: boolean): readonly Notice[] {
  const { read, asker, statement, settings, targets } = run;
  const unasked = statement.stop.drained === undefined || isWithheld ? 0 : missingOf(run);
  const failed = read.books.reduce((sum, book) => sum + book.failed, unasked);
  const notices: Notice[] = [
    ...asker.advisories.notices(),
    ...asker.shadowing.map(shadowNotice),
    ...endNotices(statement, isWithheld),
    ...pairNotices(run),
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

/** Advice where labels would have taken fewer calls than pairs did; none where no call went out. */
function pairNotices({ asker, statement }: SemanticQuery): readonly Notice[] {
  const { calls, costMicroUsd, uncostedCalls } = statement.ledger.figures;
  if (calls.sent === 0) return [];
  const costed = calls.sent - uncostedCalls;
  const each = costMicroUsd === null || costed <= 0 ? undefined : costMicroUsd / costed;
  return [...asker.compared].map(([{ name }, pairs]) => ({
    code: 'pairs_compared',
    message: pairAdvice(name, pairs, each),
  }));
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
