/**
 * Runs a query with look-ups in the operators' places until no answer is missing: each pass records the missing
 * answers, asks for them, and runs the query again. One pass is enough where the answers were asked for before, as
 * under a LIMIT.
 */

import type { Rewritten } from '../../grammar/semantic/rewrite.ts';
import { isInTransaction } from '../duck/in-transaction.ts';
import { mayCollate } from '../duck/may-collate.ts';
import { type SqlNode, treeToSql } from '../duck/parse-sql.ts';
import type { ResultReader } from '../duck/reader.ts';
import type { Parameters } from '../duck/session.ts';
import { RvbbitError } from '../errors.ts';
import { mayWrite } from '../execute/may-write.ts';
import { askOpen } from './ask/ask-open.ts';
import { type JoinedLookUps, joinLookUps } from './look-up/joined-look-ups.ts';
import { usesOf } from './plan/query-plan.ts';
import { isNode, nodesOf } from './plan/query-tree.ts';
import { unrewrittenError } from './read/rewritten-error.ts';
import type { OperatorUse } from './read/use.ts';
import type { PassText, SemanticQuery } from './semantic-query.ts';

/** Above this number of look-ups in a pass, they are made inside DuckDB, by a join with the answers. */
const SEMANTIC_NATIVE_ROWS = 20_000;
/**
 * Above this depth of operators within one another, look-ups are not made inside DuckDB: such a look-up names its
 * argument twice, so that each level doubles the query.
 */
const SEMANTIC_NATIVE_DEPTH = 4;
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
    const reader = await onePass(run, text, treeOf(run, text));
    const complete = missingOf(run) === 0 || run.statement.stop.drained !== undefined;
    if (reader !== undefined && complete) return reader;
    if (pass === SEMANTIC_MAX_PASSES) throw restless(run, pass);
    await askMissing(run);
  }
}

/** Runs the text once. Returns undefined if the pass ended early because answers were missing. */
async function onePass(
  run: SemanticQuery,
  text: PassText,
  tree?: SqlNode,
): Promise<ResultReader | undefined> {
  const { statement, state, read, native } = run;
  state.stopped = false;
  state.rows = 0;
  run.report.passes += 1;
  const isNative = await wantsNative(run);
  const joined = isNative && !run.refusesJoined ? await joinedText(run, text, tree) : undefined;
  if (isNative) await native.install(joined);
  try {
    return await statement.session.run(joined?.text ?? text.text, {
      parameters: parametersOf(run, text),
      signal: statement.stop.signal,
      ...('stages' in text ? { changes: false } : {}),
    });
  } catch (thrown) {
    if (state.stopped) return undefined;
    if (!isNative || statement.stop.signal.aborted) {
      throw 'sourceOffset' in text ? unrewrittenError(thrown, read, text) : thrown;
    }
    // The look-up macros hold a subquery, which DuckDB does not take everywhere; a function may stand anywhere.
    if (joined === undefined) run.refusesNative = true;
    else run.refusesJoined = true;
    await native.remove();
    return onePass(run, text, tree);
  } finally {
    await native.remove();
    run.expectedRows = Math.max(run.expectedRows, state.rows);
  }
}

/** The query of a pass, as a tree; undefined if there is no single tree for the text. */
function treeOf({ read }: SemanticQuery, text: PassText): SqlNode | undefined {
  if ('sourceOffset' in text) return read.tree?.length === 1 ? read.tree[0] : undefined;
  return text.tree;
}

/** The parameter values that a pass is run with. */
export function parametersOf({ statement }: SemanticQuery, text: PassText): Parameters | undefined {
  return 'parameters' in text ? text.parameters : statement.parameters;
}

/**
 * The query with its look-ups as a join, and the same column names; undefined if `joinLookUps` finds nothing to join,
 * or the names cannot be kept.
 */
async function joinedText(
  run: SemanticQuery,
  text: PassText,
  tree: SqlNode | undefined,
): Promise<(JoinedLookUps & { readonly text: string }) | undefined> {
  const node = tree?.['node'];
  if (tree === undefined || !isNode(node)) return undefined;
  const { session, stop } = run.statement;
  const { signal } = stop;
  const joined = joinLookUps(node, usesOf(run.read));
  if (joined === undefined) return undefined;
  const columns = await session
    .describe(await treeToSql(session, tree, signal), {
      parameters: parametersOf(run, text),
      signal,
    })
    .catch(() => []);
  const named = withNames(
    joined.node,
    columns.map(({ name }) => name),
  );
  if (named === undefined) return undefined;
  const sql = await treeToSql(session, { ...tree, node: named }, signal);
  const before = 'before' in text ? (text.before ?? '') : '';
  return { ...joined, text: `${before}${sql}` };
}

/**
 * Gives the columns of the query the names they had: DuckDB names a column after its text, which has changed. Undefined
 * where the names cannot be kept.
 */
function withNames(node: SqlNode, names: readonly string[]): SqlNode | undefined {
  if (node['type'] !== 'SELECT_NODE') return undefined;
  const items = nodesOf(node['select_list']);
  const isNamed = (item: SqlNode) => item['alias'] !== '' || item['class'] === 'STAR';
  if (items.every(isNamed)) return node;
  if (items.length !== names.length) return undefined;
  const list = items.map((item, index) =>
    isNamed(item) ? item : { ...item, alias: names[index] },
  );
  return { ...node, select_list: list };
}

/**
 * Whether look-ups are made inside DuckDB. Not in the caller's transaction: their tables and macros would be undone, or
 * kept, with it.
 */
async function wantsNative(run: SemanticQuery): Promise<boolean> {
  const { expectedRows, refusesNative, statement } = run;
  if (refusesNative || expectedRows <= SEMANTIC_NATIVE_ROWS) return false;
  if (depthOf(run.read.tree, usesOf(run.read)) > SEMANTIC_NATIVE_DEPTH) return false;
  if (await isInTransaction(statement.session)) return false;
  return !(await mayCollate(statement.session, run.read.source));
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
