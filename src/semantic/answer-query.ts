/**
 * How a semantic query is answered. A table of kept answers is tried first. Else inner queries whose rows may differ from
 * run to run are staged. A SELECT whose result rows are rows of its FROM is planned, every other query is bounded; what
 * neither takes is run until no answer is missing.
 */

import type { Rewritten } from '../../grammar/semantic/rewrite.ts';
import type { SqlNode } from '../duck/parse-sql.ts';
import type { ResultReader } from '../duck/reader.ts';
import { temporary } from '../duck/stage.ts';
import type { ResultColumn } from '../result.ts';
import { answerInPortions } from './answer-in-portions.ts';
import { answerKept, keepAnswers, keptHits, keptQuestionOf } from './answer-kept.ts';
import { withBoundedResult } from './bounds/bounded-query.ts';
import { guarded } from './bounds/guards.ts';
import { parametersOf, passesOf } from './find-answers.ts';
import { fillAnswers } from './judge/fill-answers.ts';
import { lazySelect } from './judge/lazy-condition.ts';
import { flattened } from './plan/flatten.ts';
import { type FunctionFacts, functionFacts } from './plan/function-facts.ts';
import { stagedQuery } from './plan/inner-queries.ts';
import { canDefer, deferred, plannedQuery, whereOf } from './plan/planned-query.ts';
import { isWritten, mayStop, stageSelect, withPlannedSelect } from './plan/planned-select.ts';
import { type PlannedSql, plannedSql } from './plan/planned-sql.ts';
import { planSelect, type QueryPlan, rootOf } from './plan/query-plan.ts';
import {
  baseTable,
  holds,
  integer,
  isNode,
  isReason,
  NO_TABLE,
  nodesOf,
  select,
  Unplannable,
} from './plan/query-tree.ts';
import { isFreeToStage } from './plan/safe-to-stage.ts';
import { type StagedRows, stagedBy, stageRows } from './plan/stage-rows.ts';
import { isVarying, isVolatile } from './plan/unstable.ts';
import { unrewrittenError } from './read/rewritten-error.ts';
import { remember } from './repeated.ts';
import type { PassText, SemanticQuery } from './semantic-query.ts';

/** The result of a statement that is a query; the last part of it, if others were given out before. */
export async function answerQuery(run: SemanticQuery): Promise<ResultReader> {
  const question = await keptQuestionOf(run);
  const kept = question === undefined ? undefined : await answerKept(run, question);
  const reader = kept?.reader ?? (await answerAsked(run));
  if (kept === undefined) await keepAnswers(run, question);
  if (question?.changes === undefined) return reader;
  const { changes } = question;
  const { table, hits } = kept ?? (await keptHits(run, question)) ?? {};
  if (table !== undefined && hits !== undefined) remember(run, { question, table, hits, changes });
  return reader;
}

async function answerAsked(run: SemanticQuery): Promise<ResultReader> {
  const { read, statement } = run;
  const { parameters, stop, dispatcher } = statement;
  // The threads start while the query is planned.
  dispatcher.start();
  // An error in binding is reported before any question is asked.
  const columns = await statement.session
    .describe(read.whole.text, { parameters, signal: stop.signal })
    .catch((thrown: unknown) => {
      throw unrewrittenError(thrown, read, read.whole);
    });
  const names = columns.map(({ name }) => name);
  const ready = await readied(run);
  const reader = await orReason(run, async () => {
    if (ready instanceof Unplannable) throw ready;
    return answered<ResultReader>(run, ready, names, {
      planned: (plan) => rowsInTime(run, plan, ready.facts, columns),
      bounded: async (_, result) => result,
    });
  });
  return reader ?? rerun(run, ready, names);
}

/** What is made of a query's result, in each of the two ways to find it. */
interface ResultWork<T> {
  planned(plan: QueryPlan): Promise<T | undefined>;
  bounded(query: PlannedSql, reader: ResultReader): Promise<T>;
}

/** A query of a statement, with its inner queries staged. */
interface ReadyQuery {
  readonly node: SqlNode;
  readonly parameters: unknown;
  readonly facts: FunctionFacts;
}

/** The result of the work; undefined if the query has to be run until no answer is missing. Throws a reason. */
async function answered<T>(
  run: SemanticQuery,
  given: ReadyQuery,
  names: readonly string[],
  work: ResultWork<T>,
): Promise<T | undefined> {
  const ready = await withoutLateItems(run, given, names);
  const plan = planOf(run, ready, names);
  const usePlan = (of: QueryPlan) => {
    run.report.route = 'plan';
    return work.planned(of);
  };
  if (plan?.isRowByRow === true) return usePlan(plan);
  try {
    run.report.route = 'bounds';
    return await withBoundedResult(run, ready.node, ready.facts, (query, reader) =>
      work.bounded(query, reader),
    );
  } catch (thrown) {
    if (!isReason(thrown) || plan === undefined) throw thrown;
    return usePlan(plan);
  }
}

/**
 * The plan of a SELECT whose operators all stand in its own expressions, if need be after it was merged with the query in
 * its FROM; undefined for any other query.
 */
function planOf(
  { read }: SemanticQuery,
  { node, parameters, facts }: ReadyQuery,
  names: readonly string[],
): QueryPlan | undefined {
  if (node['type'] !== 'SELECT_NODE') return undefined;
  const planned = (of: SqlNode) => planSelect(read, { node: of, parameters }, facts);
  const { isOperator } = planned(node);
  const isUnstable = (part: SqlNode) => isVarying(part, facts) || isVolatile(part, facts);
  const merged = flattened(node, { isOperator, isUnstable, planOf: planned });
  const lazy = lazySelect(merged, { isOperator, isUnstable }, names);
  const asksInside = (part: SqlNode) => part['class'] === 'SUBQUERY' && holds(part, isOperator);
  const { from_table: from, cte_map: map } = lazy;
  return holds([from, map], isOperator) || holds(lazy, asksInside) ? undefined : planned(lazy);
}

/**
 * A query with a LIMIT, whose select list holds operators and whose rows depend on others: its rows are answered first
 * and staged, and only they are asked about.
 */
async function withoutLateItems(
  run: SemanticQuery,
  ready: ReadyQuery,
  names: readonly string[],
): Promise<ReadyQuery> {
  const { node, parameters, facts } = ready;
  if (node['type'] !== 'SELECT_NODE' || planOf(run, ready, names) !== undefined) return ready;
  const plan = planSelect(run.read, { node, parameters }, facts);
  if (!canDefer(plan)) return ready;
  try {
    const { rows, list } = deferred(plan, node, names);
    const { table } = await answerStaged(run, { ...ready, node: rows });
    return { ...ready, node: select(list, { ...baseTable(table), alias: 'rvb_rows' }, null) };
  } catch (thrown) {
    if (!isReason(thrown)) throw thrown;
    return ready;
  }
}

/** Stages the rows of a query that can stand by itself. Throws a reason if it cannot. */
async function answerStaged(run: SemanticQuery, ready: ReadyQuery): Promise<StagedRows> {
  const { statement } = run;
  const { text, parameters } = await plannedSql(statement, ready.node);
  const columns = await statement.session.describe(text, {
    parameters,
    signal: statement.stop.signal,
  });
  const names = columns.map(({ name }) => name);
  const staged = await answered<StagedRows>(run, ready, names, {
    planned: (plan) => stageSelect(run, plan, names),
    bounded: (query) =>
      stagedBy(run, query, (text) =>
        statement.session.run(text.text, {
          parameters: text.parameters,
          signal: statement.stop.signal,
          changes: false,
        }),
      ),
  });
  return staged ?? stageRows(run, await guardedSql(run, ready, names));
}

/** The query as it is run until no answer is missing. */
function guardedSql(
  { read, statement }: SemanticQuery,
  { node, facts }: ReadyQuery,
  names: readonly string[],
): Promise<PlannedSql> {
  return plannedSql(statement, guarded(node, read.uses, facts, names));
}

/** How a statement that changes data is run once its query's answers are known. */
export interface PlannedChange {
  /** A query that reads what the statement reads. */
  readonly reads: PassText;
  /** Its query as planned; undefined if the query stays as it is written. */
  readonly query?: PlannedSql | undefined;
  /** The WHERE of an UPDATE or DELETE as planned; undefined if it stays as it is written. */
  readonly where?: string | undefined;
}

/** Fills in the answers that the query of a statement that changes data needs; `dry` is that query. */
export async function planAnswers(run: SemanticQuery, dry: Rewritten): Promise<PlannedChange> {
  const { session, stop } = run.statement;
  const alone = await queryAlone(run, dry);
  const columns = await session.describe(alone.text, {
    parameters: parametersOf(run, alone),
    signal: stop.signal,
  });
  const change = await plannedChange(
    run,
    columns.map(({ name }) => name),
  );
  return { ...change, reads: change.query ?? alone };
}

/**
 * The query without the rest of the INSERT: DuckDB takes no value for a parameter that stands after the query, in ON
 * CONFLICT.
 */
async function queryAlone({ statement, read }: SemanticQuery, dry: Rewritten): Promise<PassText> {
  const { parameters, session, stop } = statement;
  const { parts, tree } = read;
  const isInsert = parts.kind === 'around' && parts.verb === 'INSERT';
  if (!isInsert || !Array.isArray(parameters) || tree === undefined) return dry;
  const root = rootOf(read);
  if (nodesOf(root.parameters).length === parameters.length) return dry;
  // A value that the whole statement has no parameter for is refused before any question is asked.
  await session.run(`EXPLAIN ${read.whole.text}`, { parameters, signal: stop.signal });
  return plannedSql(statement, root.node);
}

async function plannedChange(
  run: SemanticQuery,
  names: readonly string[],
): Promise<Omit<PlannedChange, 'reads'>> {
  const { parts } = run.read;
  const ready = await readied(run);
  // Parameters would have to be numbered together with those around the query.
  const isFree = run.statement.parameters === undefined;
  const change = await orReason(run, async () => {
    if (ready instanceof Unplannable) throw ready;
    const plan = planOf(run, ready, names);
    const isStaged = plan === undefined || !plan.isRowByRow || mayStop(plan);
    if (parts.kind === 'around' && isFree && isStaged) {
      const { table } = await answerStaged(run, ready);
      return { query: { text: `SELECT * FROM ${temporary(table)}`, parameters: undefined } };
    }
    if (plan === undefined) return undefined;
    run.report.route = 'plan';
    const order = await fillAnswers(run, plan);
    const isKept = isWritten(plan, order) && !canDefer(plan) && !ready.isChanged;
    if (!isFree || isKept) return {};
    const query = await plannedQuery(run.statement, plan, { names, order, inWhere: (use) => use });
    return { query, where: await whereText(run, whereOf(plan, order)) };
  });
  if (change !== undefined) return change;
  if (ready instanceof Unplannable || !isFree) return {};
  const { node, facts } = ready;
  const where = guarded(node, run.read.uses, facts)['where_clause'];
  return { query: await guardedSql(run, ready, names), where: await whereText(run, where) };
}

/** A WHERE as SQL; undefined if there is none, or rows were staged. */
async function whereText(run: SemanticQuery, where: unknown): Promise<string | undefined> {
  if (run.report.staged !== '' || !isNode(where)) return undefined;
  const { text } = await plannedSql(run.statement, select([integer(1)], NO_TABLE, where));
  return text.slice(text.indexOf(' WHERE ') + ' WHERE '.length);
}

/** A statement's query with its inner queries staged, and whether it differs from the query as written. */
interface Readied extends ReadyQuery {
  readonly isChanged: boolean;
}

/**
 * Stages the inner queries. Returns the reason where it cannot: DuckDB gives no tree, or the query stands in a
 * transaction.
 */
async function readied(run: SemanticQuery): Promise<Readied | Unplannable> {
  const { statement, read } = run;
  try {
    const { node: written } = rootOf(read);
    // Staging computes values that the statement may never compute; an error there would end the transaction.
    if (!(await isFreeToStage(run))) return new Unplannable('it stands in a transaction');
    const facts = await functionFacts(statement.session, read.tree);
    const { node, parameters } = await stagedQuery(run, facts, (inner) =>
      answerStaged(run, { node: inner, parameters: [], facts }),
    );
    const isChanged = JSON.stringify(node) !== JSON.stringify(written);
    return { node, parameters, facts, isChanged };
  } catch (thrown) {
    if (thrown instanceof Unplannable) return thrown;
    throw thrown;
  }
}

/** The result of `work`. Undefined, with the reason in the report, where it throws a reason. */
async function orReason<T>(
  { report }: SemanticQuery,
  work: () => Promise<T | undefined>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (thrown) {
    if (!isReason(thrown)) throw thrown;
    report.route = 'rerun';
    report.reason = thrown.message.split('\n')[0] ?? '';
    return undefined;
  } finally {
    if (report.staged !== '' && !report.reason.endsWith(report.staged)) {
      report.reason = [report.reason, report.staged].filter((part) => part !== '').join('; ');
    }
  }
}

/** The rows of a plan: in portions if they are wanted so, and the plan allows it. */
async function rowsInTime(
  run: SemanticQuery,
  plan: QueryPlan,
  facts: FunctionFacts,
  columns: readonly ResultColumn[],
): Promise<ResultReader | undefined> {
  try {
    if (run.give !== undefined) return await answerInPortions(run, plan, facts, columns);
  } catch (thrown) {
    if (!isReason(thrown)) throw thrown;
  }
  return plannedRows(
    run,
    plan,
    columns.map(({ name }) => name),
  );
}

async function plannedRows(
  run: SemanticQuery,
  plan: QueryPlan,
  names: readonly string[],
): Promise<ResultReader | undefined> {
  return withPlannedSelect(run, plan, names, async ({ query, isStopped }) => {
    if (query === undefined) return undefined;
    const reader = await passesOf(run, query);
    // The plan was certain of more rows: the input has changed since.
    const isShort = isStopped && reader.rowCount < plan.rowsWanted! - plan.rowsSkipped;
    return isShort ? undefined : reader;
  });
}

/**
 * Runs the query until no answer is missing: over staged rows and with guards, or as it is written where DuckDB refuses
 * that.
 */
async function rerun(
  run: SemanticQuery,
  ready: Readied | Unplannable,
  names: readonly string[],
): Promise<ResultReader> {
  const { whole } = run.read;
  if (ready instanceof Unplannable) return passesOf(run, whole);
  try {
    return await passesOf(run, await guardedSql(run, ready, names));
  } catch (thrown) {
    if (!isReason(thrown) || run.report.staged !== '') throw thrown;
    return passesOf(run, whole);
  }
}
