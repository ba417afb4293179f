/**
 * Runs a query with look-ups in the operators' places until no answer is missing: record, ask, run again. Where the
 * answers were asked for before, as under a LIMIT, that is one pass.
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

/** Look-ups of a pass from which they are made inside DuckDB, by joining the answers. */
const SEMANTIC_NATIVE_ROWS = 20_000;
/** Operators within one another above which they are not: such a look-up names its argument twice, so it doubles the query. */
const SEMANTIC_NATIVE_DEPTH = 4;
/** Times that a statement is run to find the answers that it needs: each run asks only what those before it did not meet. */
const SEMANTIC_MAX_PASSES = 200;
/** The same of a statement that changes data and has no query that meets its questions, e.g. MERGE. */
const SEMANTIC_MAX_STRICT_PASSES = 1_000;

/** Runs the text until every question that it meets is answered; the last pass's result. */
export async function passesOf(run: SemanticQuery, text: PassText): Promise<ResultReader> {
  for (let pass = 1; ; pass += 1) {
    const reader = await onePass(run, text, treeOf(run, text));
    const complete = missingOf(run) === 0 || run.statement.stop.drained !== undefined;
    if (reader !== undefined && complete) return reader;
    if (pass === SEMANTIC_MAX_PASSES) throw restless(run, pass);
    await askMissing(run);
  }
}

/** One pass; undefined where it ended for missing answers. */
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
    });
  } catch (thrown) {
    if (state.stopped) return undefined;
    if (!isNative || statement.stop.signal.aborted) {
      throw 'sourceOffset' in text ? unrewrittenError(thrown, read, text) : thrown;
    }
    // A macro holds a subquery, which DuckDB does not take everywhere; a function may stand wherever it does.
    if (joined === undefined) run.refusesNative = true;
    else run.refusesJoined = true;
    await native.remove();
    return onePass(run, text, tree);
  } finally {
    await native.remove();
    run.expectedRows = Math.max(run.expectedRows, state.rows);
  }
}

/** The query of a pass, as a tree; undefined where there is none, or the pass changes data. */
function treeOf({ read }: SemanticQuery, text: PassText): SqlNode | undefined {
  if ('sourceOffset' in text) return read.tree?.length === 1 ? read.tree[0] : undefined;
  return text.tree;
}

/** The values that a pass is run with. */
export function parametersOf({ statement }: SemanticQuery, text: PassText): Parameters | undefined {
  return 'parameters' in text ? text.parameters : statement.parameters;
}

/** The query with its look-ups joined, under the same names; undefined where there are not several of one value. */
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

/** The query whose columns keep their names, which DuckDB takes from how they are written; undefined where they cannot. */
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

/** Tables and macros made in the caller's transaction would be undone, or kept, with it. */
async function wantsNative(run: SemanticQuery): Promise<boolean> {
  const { expectedRows, refusesNative, statement } = run;
  if (refusesNative || expectedRows <= SEMANTIC_NATIVE_ROWS) return false;
  if (depthOf(run.read.tree, usesOf(run.read)) > SEMANTIC_NATIVE_DEPTH) return false;
  if (await isInTransaction(statement.session)) return false;
  return !(await mayCollate(statement.session, run.read.source));
}

/** How many operators stand within one another. */
function depthOf(value: unknown, useOf: (node: SqlNode) => OperatorUse | undefined): number {
  if (Array.isArray(value)) return Math.max(0, ...value.map((item) => depthOf(item, useOf)));
  if (!isNode(value)) return 0;
  const below = Math.max(0, ...Object.values(value).map((child) => depthOf(child, useOf)));
  return useOf(value) === undefined ? below : below + 1;
}

/**
 * Runs a text that changes data: a missing answer ends it before anything is changed. Undefined where the statement
 * is to end early: with what was not asked as NULL it would change the wrong rows, and again when it is run anew.
 */
export async function runStrictly(
  run: SemanticQuery,
  text: Rewritten,
): Promise<ResultReader | undefined> {
  const { state, statement } = run;
  const isBlind = run.read.dry === undefined;
  if (isBlind && (await isInTransaction(statement.session))) throw blindInTransaction();
  // Without a query of its own such a statement meets its questions a vector at a time.
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

/** Asks what the last pass missed, after a look at how much it is. */
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
    'such a statement with semantic operators is tried and undone until its answers are known, which a transaction does not allow; put the values into a table first (CREATE TEMP TABLE … AS …), or run it outside of the transaction',
    { stage: 'bind' },
  );
}
