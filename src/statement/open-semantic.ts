/** Reads a statement with semantic operators, takes its functions' names, and gives them back at its end. */
import type { Diagnostic, Span, SqlStatement } from '../../grammar/ast.ts';
import { annotationDiagnostics } from '../../grammar/parse-source.ts';
import { statementParts } from '../../grammar/semantic/statement-parts.ts';
import { writtenName } from '../../grammar/semantic/written-name.ts';
import { Budget } from '../calls/budget.ts';
import type { ResultReader } from '../duck/reader.ts';
import { dropTables } from '../duck/stage.ts';
import { RvbbitError } from '../errors.ts';
import { namesOf } from '../execute/may-write.ts';
import type { Statement } from '../execute/statement.ts';
import { learnAnswers } from '../explain/learn-answers.ts';
import { loadOperators } from '../operators/load-operators.ts';
import type { OperatorRegistry } from '../operators/operator.ts';
import { placedFrom } from '../plan/placed-error.ts';
import { Asker } from '../semantic/ask/asker.ts';
import { checkFallbacks } from '../semantic/ask/fallback.ts';
import { registerLookUps } from '../semantic/look-up/look-up.ts';
import { PlanReport } from '../semantic/plan/plan-report.ts';
import { checkArguments } from '../semantic/read/check-arguments.ts';
import { withAliasExpanded } from '../semantic/read/expand-aliases.ts';
import { readSemanticStatement, type SemanticStatement } from '../semantic/read/read-statement.ts';
import { type SemanticSettings, semanticSettings } from '../semantic/read/semantic-settings.ts';
import { answerAgain, isRemembered, repeatedQuery } from '../semantic/repeated.ts';
import type { SemanticQuery } from '../semantic/semantic-query.ts';
import { openingOf } from './names.ts';

/** A pass ends when more than this many questions of one operator are open. */
const SEMANTIC_MAX_OPEN = 1_000_000;
/** A search for what to ask may take this long, in milliseconds, however fast the calls are. */
const SEMANTIC_SEARCH_MS = 3_000;

/** `again`: the result, if the statement is a remembered query. Work that takes no result never gets such a statement. */
export type RunWork<T> = (run: SemanticQuery, again?: ResultReader) => Promise<T>;

/** Reads and opens a part of the statement's text for `work`; undefined if it has no semantic operator. */
export async function withRun<T>(
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
    targets,
    stages: [],
    searchMs: SEMANTIC_SEARCH_MS,
    roughFactor: 2,
    expectedRows: 0,
  };
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

function wrongAnnotation({ code, line, column, message, excerpt }: Diagnostic): RvbbitError {
  return new RvbbitError(code, `line ${line}, column ${column}: ${message}\n${excerpt}`, {
    stage: 'parse',
    place: { line, column },
  });
}
