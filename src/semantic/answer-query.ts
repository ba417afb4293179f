/**
 * How a semantic query is answered: by a plan made from DuckDB's tree where its shape allows, else by runs until no
 * answer is missing.
 */

import type { Rewritten } from '../../grammar/semantic/rewrite.ts';
import type { SqlNode } from '../duck/parse-sql.ts';
import type { ResultReader } from '../duck/reader.ts';
import { temporary } from '../duck/stage.ts';
import { answerKept, keepAnswers, keptHits, keptQuestionOf } from './answer-kept.ts';
import { parametersOf, passesOf } from './find-answers.ts';
import { fillAnswers } from './judge/fill-answers.ts';
import { type FunctionFacts, functionFacts } from './plan/function-facts.ts';
import { readyQuery, stageSelect } from './plan/inner-queries.ts';
import { canDefer, plannedQuery, whereOf } from './plan/planned-query.ts';
import { isWritten, mayStop, withPlannedSelect } from './plan/planned-select.ts';
import { type PlannedSql, plannedSql } from './plan/planned-sql.ts';
import { planSelect, type QueryPlan, type QueryRoot, rootOf } from './plan/query-plan.ts';
import { integer, isNode, isReason, nodesOf, select, Unplannable } from './plan/query-tree.ts';
import { isFreeToStage } from './plan/safe-to-stage.ts';
import { unrewrittenError } from './read/rewritten-error.ts';
import { remember } from './repeated.ts';
import type { PassText, SemanticQuery } from './semantic-query.ts';

/** The result of a statement that is a query. */
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
  const ready = await readied(run, names);
  const result = await planned(run, ready, (plan) => plannedRows(run, plan, names));
  return result ?? rerun(run, ready);
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
  const { parameters } = run.statement;
  const ready = await readied(run, names);
  // Parameters would have to be numbered together with those around the query.
  const isFree = parameters === undefined;
  const change = await planned(run, ready, async (plan): Promise<Omit<PlannedChange, 'reads'>> => {
    if (parts.kind === 'around' && isFree && mayStop(plan)) {
      const { table } = await stageSelect(run, plan, names);
      return { query: { text: `SELECT * FROM ${temporary(table)}`, parameters: undefined } };
    }
    const order = await fillAnswers(run, plan);
    const isKept = isWritten(plan, order) && !canDefer(plan) && !isChanged(ready);
    if (!isFree || isKept) return {};
    const query = await plannedQuery(run.statement, plan, { names, order, inWhere: (use) => use });
    return { query, where: await whereText(run, plan, order, isChanged(ready)) };
  });
  if (change !== undefined) return change;
  return isChanged(ready) && isFree ? { query: await plannedSql(run.statement, ready.node) } : {};
}

/** The planned WHERE as SQL; undefined where rows were staged, or no condition was asked or made ready. */
async function whereText(
  run: SemanticQuery,
  plan: QueryPlan,
  order: readonly SqlNode[],
  isReadied: boolean,
): Promise<string | undefined> {
  if (run.report.staged !== '' || (order.length === 0 && !isReadied)) return undefined;
  const nothing = { type: 'EMPTY', alias: '', sample: null, query_location: 0 };
  const where = whereOf(plan, order);
  if (!isNode(where)) return undefined;
  const { text } = await plannedSql(run.statement, select([integer(1)], nothing, where));
  return text.slice(text.indexOf(' WHERE ') + ' WHERE '.length);
}

/** A query whose inner queries have been made ready, and whether it differs from the query as written. */
interface Readied extends QueryRoot {
  readonly facts: FunctionFacts;
  readonly isChanged: boolean;
}

function isChanged(ready: Readied | Unplannable): ready is Readied {
  return !(ready instanceof Unplannable) && ready.isChanged;
}

/**
 * Makes the inner queries ready. Returns the reason where it cannot: DuckDB gives no tree, or the query stands in a
 * transaction.
 */
async function readied(
  run: SemanticQuery,
  names: readonly string[],
): Promise<Readied | Unplannable> {
  const { statement, read } = run;
  try {
    const { node: written } = rootOf(read);
    // Staging computes values that the statement may never compute; an error there would end the transaction.
    if (!(await isFreeToStage(run))) return new Unplannable('it stands in a transaction');
    const facts = await functionFacts(statement.session, read.tree);
    const { node, parameters } = await readyQuery(run, facts, names);
    return {
      node,
      parameters,
      facts,
      isChanged: JSON.stringify(node) !== JSON.stringify(written),
    };
  } catch (thrown) {
    if (thrown instanceof Unplannable) return thrown;
    throw thrown;
  }
}

/** The result of `work` on the plan. Undefined, with the reason in the report, where there is no plan. */
async function planned<T>(
  run: SemanticQuery,
  ready: Readied | Unplannable,
  work: (plan: QueryPlan) => Promise<T | undefined>,
): Promise<T | undefined> {
  const { report, read } = run;
  try {
    if (ready instanceof Unplannable) throw ready;
    const plan = planSelect(read, ready, ready.facts);
    report.route = 'plan';
    return await work(plan);
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
 * Runs the query until no answer is missing: with its inner queries made ready, or as it is written where DuckDB
 * refuses that.
 */
async function rerun(run: SemanticQuery, ready: Readied | Unplannable): Promise<ResultReader> {
  const { whole } = run.read;
  if (!isChanged(ready)) return passesOf(run, whole);
  try {
    return await passesOf(run, await plannedSql(run.statement, ready.node));
  } catch (thrown) {
    if (!isReason(thrown) || run.report.staged !== '') throw thrown;
    return passesOf(run, whole);
  }
}
