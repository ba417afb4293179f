/**
 * Runs a query with look-ups in the operators' places until no answer is missing: each pass records the missing
 * answers, asks for them, and runs the query again. One pass is enough where the answers were asked for before, as
 * under a LIMIT.
 */

import type { Rewritten } from '../../grammar/semantic/rewrite.ts';
import { isInTransaction } from '../duck/in-transaction.ts';
import type { SqlNode } from '../duck/parse-sql.ts';
import type { ResultReader } from '../duck/reader.ts';
import type { Parameters } from '../duck/session.ts';
import { RvbbitError } from '../errors.ts';
import { mayWrite } from '../execute/may-write.ts';
import type { Answer } from './ask/answer-book.ts';
import { askOpen } from './ask/ask-open.ts';
import { TextCodes } from './look-up/text-codes.ts';
import { usesOf } from './plan/query-plan.ts';
import { isNode } from './plan/query-tree.ts';
import type { SemanticStatement } from './read/read-statement.ts';
import { unrewrittenError } from './read/rewritten-error.ts';
import type { OperatorUse } from './read/use.ts';
import type { PassText, SemanticQuery } from './semantic-query.ts';

/** Above this number of look-ups in a pass, they are made by the codes of their texts. */
const SEMANTIC_CODED_ROWS = 20_000;
/**
 * Above this depth of operators within one another, there are no codes: such a look-up names its argument twice, so that
 * each level doubles the query.
 */
const SEMANTIC_CODED_DEPTH = 4;
/**
 * How often a statement is run at most to find the answers that it needs: each run adds only questions that no run
 * before it met.
 */
const SEMANTIC_MAX_PASSES = 200;
/** The same limit for a statement that changes data and has no query to find its questions with, e.g. MERGE. */
const SEMANTIC_MAX_STRICT_PASSES = 1_000;

/** Runs the text until every question that it meets is answered. Returns the result of the last pass. */
export async function passesOf(run: SemanticQuery, text: PassText): Promise<ResultReader> {
  for (let pass = 1; ; pass += 1) {
    const reader = await onePass(run, text);
    const complete = missingOf(run) === 0 || run.statement.stop.drained !== undefined;
    if (reader !== undefined && complete) return reader;
    if (pass === SEMANTIC_MAX_PASSES) throw restless(run, pass);
    await askMissing(run);
  }
}

/** Runs the text once. Returns undefined if the pass ended early because answers were missing. */
async function onePass(run: SemanticQuery, text: PassText): Promise<ResultReader | undefined> {
  const { statement, state, read } = run;
  state.stopped = false;
  state.rows = 0;
  run.report.passes += 1;
  try {
    if (await wantsCodes(run)) await useCodes(run);
    return await statement.session.run(text.text, {
      parameters: parametersOf(run, text),
      signal: statement.stop.signal,
      ...('stages' in text ? { changes: false } : {}),
    });
  } catch (thrown) {
    if (state.stopped) return undefined;
    throw 'sourceOffset' in text ? unrewrittenError(thrown, read, text) : thrown;
  } finally {
    await state.codes?.remove();
    delete state.codes;
    run.expectedRows = Math.max(run.expectedRows, state.rows);
  }
}

/** Gives the known answers to the pass by the codes of their arguments. */
async function useCodes({ read, state, statement }: SemanticQuery): Promise<void> {
  const codes = new TextCodes<Answer>(statement.session);
  state.codes = codes;
  const entries = read.books.flatMap((book) =>
    [...book.entries()].map(({ tuple, value }) => ({ book, tuple, value })),
  );
  await codes.install(entries, read.uses, ({ names }) =>
    [names.infix, names.call].map((macro) => ({ macro, calls: names.miss })),
  );
}

/** The parameter values that a pass is run with. */
export function parametersOf({ statement }: SemanticQuery, text: PassText): Parameters | undefined {
  return 'parameters' in text ? text.parameters : statement.parameters;
}

/**
 * Whether answers are looked up by codes. Not in the caller's transaction: the type and the macros would be undone, or
 * kept, with it.
 */
async function wantsCodes({ expectedRows, read, statement }: SemanticQuery): Promise<boolean> {
  if (expectedRows <= SEMANTIC_CODED_ROWS || isTooDeep(read)) return false;
  return !(await isInTransaction(statement.session));
}

/** Whether operators are nested too deep for codes. */
export function isTooDeep(read: SemanticStatement): boolean {
  return depthOf(read.tree, usesOf(read)) > SEMANTIC_CODED_DEPTH;
}

/** How deep operators are nested in one another. */
function depthOf(value: unknown, useOf: (node: SqlNode) => OperatorUse | undefined): number {
  if (Array.isArray(value)) return Math.max(0, ...value.map((item) => depthOf(item, useOf)));
  if (!isNode(value)) return 0;
  const below = Math.max(0, ...Object.values(value).map((child) => depthOf(child, useOf)));
  return useOf(value) === undefined ? below : below + 1;
}

/**
 * Runs a text that changes data: a missing answer ends it before anything is changed. Returns undefined where the
 * statement has to end early: with NULL for the questions that were not asked, it would change the wrong rows, and
 * change rows again when it is run anew.
 */
export async function runStrictly(
  run: SemanticQuery,
  text: Rewritten,
): Promise<ResultReader | undefined> {
  const { state, statement } = run;
  const isBlind = run.read.dry === undefined;
  if (isBlind && (await isInTransaction(statement.session))) throw blindInTransaction();
  // Without a query of its own, such a statement meets its questions one vector of rows at a time.
  const passes = isBlind ? SEMANTIC_MAX_STRICT_PASSES : SEMANTIC_MAX_PASSES;
  for (let pass = 1; ; pass += 1) {
    if (!(await mayWrite(statement, run.targets))) return undefined;
    state.strict = true;
    const reader = await onePass(run, text);
    state.strict = false;
    if (reader !== undefined) return reader;
    if (pass === passes || (await isInTransaction(statement.session))) throw restless(run, pass);
    await askMissing(run);
  }
}

/** Asks the questions that the last pass found no answer to, after a check of how many they are. */
async function askMissing(run: SemanticQuery): Promise<void> {
  await askOpen(
    run,
    run.read.books.map((book) => ({ book, tuples: book.takeMisses() })),
  );
}

export function missingOf({ read }: SemanticQuery): number {
  return read.books.reduce((sum, book) => sum + book.missing, 0);
}

function restless(run: SemanticQuery, passes: number): RvbbitError {
  return new RvbbitError(
    'RVB_LIMIT',
    `the read meets new questions each time it is run (${missingOf(run)} after ${passes} times): its input changes, or its operators depend on one another; put the input into a table first (CREATE TEMP TABLE … AS …)`,
    { stage: 'execute' },
  );
}

function blindInTransaction(): RvbbitError {
  return new RvbbitError(
    'RVB_UNSUPPORTED',
    'a statement that writes and has semantic operators is tried and undone until its answers are known, which a transaction does not allow; put the values into a table first (CREATE TEMP TABLE … AS …), or run it outside of the transaction',
    { stage: 'bind' },
  );
}
