/** Runs and explains statements with semantic operators. Loaded with the first text that plain DuckDB does not accept. */

import type { Diagnostic, Span, SqlStatement } from '../../grammar/ast.ts';
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
import type { OperatorRegistry } from '../operators/operator.ts';
import { placedFrom } from '../plan/placed-error.ts';
import type { Notice } from '../result.ts';
import { keepAnswers } from '../semantic/answer-kept.ts';
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
import { answerAgain, isRemembered, repeatedQuery } from '../semantic/repeated.ts';
import type { SemanticQuery } from '../semantic/semantic-query.ts';
import type { Explained } from './explain.ts';
import type { Inferred } from './infer-parameters.ts';
import { openingOf } from './names.ts';

/** A pass ends when more than this many questions of one operator are open. */
const SEMANTIC_MAX_OPEN = 1_000_000;

/**
 * Runs the statement to its end. `refusal` is DuckDB's error about the original statement. It is thrown if the
 * statement has no semantic operator.
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
      : await withRun(node, { start: 0, end: text.length }, statement, async (run, again) => {
          const reader = await execute(run, again);
          if (reader === undefined) return { ...NOTHING, notices: noticesOf(run, true) };
          const rows = await deliverReader(reader, statement.valueForm, noticesOf(run, false));
          return withWrittenNames(rows, run.read);
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

/** `again`: the result, if the statement is a remembered query. Work that takes no result never gets such a statement. */
type RunWork<T> = (run: SemanticQuery, again?: ResultReader) => Promise<T>;

/** Reads and opens a part of the statement's text for `work`; undefined if it has no semantic operator. */
async function withRun<T>(
  node: SqlStatement,
  part: Span,
  statement: Statement,
  work: RunWork<T>,
): Promise<T | undefined> {
  const text = node.text.slice(part.start, part.end);
  const targets = targetsOf(text, statement.output);
  // A wrong annotation matters only if there is an operator: on plain SQL it is a comment.
  const settings = settingsOf(node, statement, targets.length > 0);
  try {
    return await withRead(node, text, { statement, targets, settings }, work);
  } catch (thrown) {
    if (thrown === settings) throw thrown;
    throw placedFrom(thrown, statement.source, node.span.start + part.start);
  }
}

interface Opening {
  readonly statement: Statement;
  readonly targets: readonly string[];
  readonly settings: SemanticSettings | RvbbitError;
}

/** Does the work of `withRun`. The places of errors count in `text`, apart from that of `settings`. */
async function withRead<T>(
  node: SqlStatement,
  text: string,
  { statement, targets, settings }: Opening,
  work: RunWork<T>,
): Promise<T | undefined> {
  const cascadeRoots = await statement.cascadeRoots();
  const registry = await loadOperators(cascadeRoots);
  const opening = { node, statement, targets, registry };
  if (work.length > 1 && !(settings instanceof RvbbitError)) {
    const known = repeatedQuery(statement, text, settings, registry);
    const run = known && (await openRun(known.read, settings, opening));
    const again = run && (await answerAgain(run, known!));
    if (again !== undefined) return work(run!, again);
  }
  const { session, stop } = statement;
  const { signal } = stop;
  const threshold = settings instanceof RvbbitError ? 0 : settings.threshold;
  const options = { session, threshold, signal, cascadeRoots };
  const read = await readSemanticStatement(text, registry, options);
  if (read === undefined) return undefined;
  let run: SemanticQuery | undefined;
  try {
    if (settings instanceof RvbbitError) throw settings;
    run = await openRun(read, settings, opening);
    await registerLookUps(session, read.uses, run.state, signal);
    return await work({ ...run, read: await checked(read, statement) });
  } catch (thrown) {
    throw run === undefined ? thrown : withOnErrorTold(thrown, run);
  } finally {
    const shares = learnAnswers(read.books, threshold);
    if (shares.length > 0) statement.ledger.note({ t: 'answers.learned', shares });
    if (run !== undefined) await dropTables(session, run.stages);
    if (isRemembered(statement, read)) for (const book of read.books) book.forget();
    else read.release();
  }
}

/** Returns the tables and files that a statement writes. `output`: the file to which the caller writes its rows. */
function targetsOf(text: string, output: string | undefined): readonly string[] {
  const parts = statementParts(text);
  const isCreate = parts.kind === 'around' && parts.verb === 'CREATE TABLE';
  // For a Parquet file, the command line fills a table of its own first.
  const isWay = parts.kind === 'query' || (isCreate && output !== undefined);
  const changed = isWay ? undefined : (writtenName(text) ?? 'the database');
  return [changed, output].filter((name) => name !== undefined);
}

/** Adds advice to the error if a failed answer ended a statement that does not set `on_error`. */
function withOnErrorTold(
  thrown: unknown,
  { settings, statement, targets }: SemanticQuery,
): unknown {
  const isToldOf = settings.isOnErrorDefault && settings.onError.kind === 'fail';
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

/** Returns the statement as DuckDB binds it, with aliases expanded if needed. Throws the error if DuckDB cannot bind it. */
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
    registry,
  }: {
    readonly node: SqlStatement;
    readonly statement: Statement;
    readonly targets: readonly string[];
    readonly registry: OperatorRegistry;
  },
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
    registry,
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

async function changeData(run: SemanticQuery): Promise<ResultReader | undefined> {
  const { whole, dry, parts } = run.read;
  if (dry === undefined) return runStrictly(run, whole);
  if (parts.kind === 'around' && parts.isEmpty === true) return createEmpty(run, dry);
  const { reads, query, where } = await planAnswers(run, dry);
  const { columns } = await passesOf(run, reads);
  if (parts.kind !== 'around') {
    return runStrictly(run, where === undefined ? whole : run.read.wholeWhere(where));
  }
  // No column of a table or file may be named after an operator's symbol.
  const names = columns.map(({ name }) => inWords(name, run.read));
  const isKept = parts.verb === 'INSERT' || columns.every(({ name }, at) => name === names[at]);
  return runStrictly(run, run.read.wholeWith(query?.text, isKept ? undefined : names));
}

/** Creates a table WITH NO DATA: no operator is called, and so no model is asked. */
async function createEmpty(run: SemanticQuery, dry: Rewritten): Promise<ResultReader | undefined> {
  const { session, parameters, stop } = run.statement;
  const columns = await session.describe(dry.text, { parameters, signal: stop.signal });
  const names = columns.map(({ name }) => inWords(name, run.read));
  const isKept = columns.every(({ name }, at) => name === names[at]);
  return runStrictly(run, run.read.wholeWith(undefined, isKept ? undefined : names));
}

/** Returns the settings, or the error of a wrong annotation. */
function settingsOf(
  { annotations }: SqlStatement,
  statement: Statement,
  writes: boolean,
): SemanticSettings | RvbbitError {
  const [wrong] = annotationDiagnostics(statement.source, annotations);
  if (wrong !== undefined) return wrongAnnotation(wrong);
  try {
    return semanticSettings(annotations, writes, statement);
  } catch (thrown) {
    if (thrown instanceof RvbbitError) return thrown;
    throw thrown;
  }
}

/** `isWithheld`: the statement should change data and has changed none. */
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
    // If some questions were not asked, the total number of questions is unknown, and the message leaves it out.
    const all = unasked > 0 ? '' : ` of ${asker.asked}`;
    const what = `${failed}${all} answers ${are} missing and ${count} as ${instead}`;
    notices.unshift({
      code: 'RVB_ANSWERS_MISSING',
      message: `${what}, so rows can be missing from ${where}, or be in it by mistake; the failures say why`,
    });
  }
  return notices;
}

/** Returns advice for operators that compared pairs if labels would have taken fewer calls; none if no call went out. */
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

function wrongAnnotation({ code, line, column, message, excerpt }: Diagnostic): RvbbitError {
  return new RvbbitError(code, `line ${line}, column ${column}: ${message}\n${excerpt}`, {
    stage: 'parse',
    place: { line, column },
  });
}
