/**
 * Answers a SELECT that asks one question of each row in portions: its rows are given out in their order as soon as they
 * are certain, and rows that nobody reads stop the asking.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { openRuns } from '../calls/call-batches.ts';
import type { SqlNode } from '../duck/parse-sql.ts';
import type { ResultReader } from '../duck/reader.ts';
import { RvbbitError } from '../errors.ts';
import { UNREAD_MS } from '../execute/execute-map.ts';
import { Window } from '../execute/window.ts';
import type { ResultColumn } from '../result.ts';
import type { Json } from '../util/json.ts';
import type { Tuple } from './ask/answer-book.ts';
import { askOpen } from './ask/ask-open.ts';
import { passesOf } from './find-answers.ts';
import { singleOperator } from './judge/fill-answers.ts';
import { countInput, tupleOf } from './plan/candidates.ts';
import { castTo, givenArguments } from './plan/cast.ts';
import type { FunctionFacts } from './plan/function-facts.ts';
import { plannedQuery, SINGLE_TABLES } from './plan/planned-query.ts';
import { type PlannedSql, plannedSql } from './plan/planned-sql.ts';
import { planSelect, type QueryPlan } from './plan/query-plan.ts';
import {
  columnRef,
  conjunction,
  holds,
  isNode,
  isReason,
  nodesOf,
  select,
  textLiteral,
  Unplannable,
} from './plan/query-tree.ts';
import { relationName } from './plan/relations.ts';
import { overStagedRows } from './plan/stabilise.ts';
import { isVarying } from './plan/unstable.ts';
import { withEntries, withSeen } from './plan/with-queries.ts';
import { inWords } from './read/rewritten-error.ts';
import type { OperatorUse } from './read/use.ts';
import type { SemanticQuery } from './semantic-query.ts';

/** Milliseconds before each portion: it takes a few of them besides its rows. */
const PAUSE_MS = 100;

/** A LIMIT up to this number bounds what is bought before the first row. */
const SMALL_LIMIT = 1_000;
/** Rowids around those of all rows. */
const FIRST = '-1';
const LAST = String(2n ** 63n - 1n);

/**
 * The operator of a plan that asks one question of each row of one table, and whose rows are the same and in the same
 * order in portions; undefined for any other plan. A LIMIT is not looked at.
 */
export function onlyOperator(
  plan: QueryPlan,
  facts: FunctionFacts,
): ReturnType<typeof singleOperator> {
  const { node, semantic, order, isRowByRow } = plan;
  const from = node['from_table'];
  const isOfTable = isNode(from) && SINGLE_TABLES.has(String(from['type']));
  if (!isRowByRow || order !== undefined || !isOfTable) return undefined;
  const list = nodesOf(node['select_list']);
  // Values that differ between two queries, and data that is read again, would show where a portion ends.
  const isUnfit = (part: SqlNode) => part['class'] === 'SUBQUERY' || isVarying(part, facts);
  const asking = [...semantic, ...list.filter((item) => holds(item, plan.isOperator))];
  const only = holds([list, semantic], isUnfit) ? undefined : singleOperator({ asking }, plan);
  return only?.use.book.operator.seed === undefined ? only : undefined;
}

/**
 * Gives out the rows of a plan in portions, and returns the last ones. Throws a reason, before the first question, for
 * a plan that cannot be answered so.
 */
export async function answerInPortions(
  run: SemanticQuery,
  plan: QueryPlan,
  facts: FunctionFacts,
  columns: readonly ResultColumn[],
): Promise<ResultReader> {
  const { isOperator } = plan;
  if (onlyOperator(plan, facts) === undefined || (await isLimited(run, plan))) {
    throw new Unplannable('it does not ask one question of each row');
  }
  const { over, staged } = await overStagedRows(
    run,
    plan.node,
    { isOperator, withSeen: (node) => withSeen(node, withEntries(plan.node)) },
    { mixed: [], ordersUnstably: false },
  );
  const hasRowid = staged.columns.some((name) => name.toLowerCase() === 'rowid');
  if (hasRowid) throw new Unplannable('its rows have a rowid of their own');
  const rows = planSelect(run.read, { ...plan, node: { ...over, modifiers: [] } }, facts);
  const portions = new Portions(run, rows, columns, staged.rowCount);
  await portions.check();
  const { node, use } = onlyOperator(rows, facts)!;
  return portions.ask(use, await questionsOf(run, rows, node, use));
}

/** Whether a LIMIT, or an OFFSET, may leave rows out. */
async function isLimited({ statement }: SemanticQuery, plan: QueryPlan): Promise<boolean> {
  const { node, plain, limit, rowsWanted = 0, rowsSkipped } = plan;
  if (limit === undefined) return false;
  if (rowsWanted <= SMALL_LIMIT || rowsSkipped > 0) return true;
  return rowsWanted < (await countInput(statement, { ...node, where_clause: conjunction(plain) }));
}

/** A question, and the rowid of the first row that asks it. */
interface Question {
  readonly tuple: Tuple;
  readonly row: string;
}

/** The distinct questions of the rows, in the order of the rows. */
async function questionsOf(
  run: SemanticQuery,
  { node }: QueryPlan,
  operator: SqlNode,
  use: OperatorUse,
): Promise<readonly Question[]> {
  const { statement } = run;
  const args = givenArguments(nodesOf(operator['children']), use.book.operator);
  const list = [...args, columnRef('rowid')];
  const { text, parameters } = await plannedSql(statement, select(list, node['from_table'], null));
  const names = args.map((_, index) => `a${index}`).join(', ');
  const reader = await statement.session.run(
    `SELECT ${names}, min(r) FROM (${text}) AS rvb_rows(${names}, r) GROUP BY ${names} ORDER BY min(r)`,
    { parameters, signal: statement.stop.signal },
  );
  const values = (await reader.allColumns('json')) as Json[][];
  const questions: Question[] = [];
  for (let index = 0; index < reader.rowCount; index += 1) {
    const [row, ...reversed] = values.map((column) => column[index]!).reverse();
    const tuple = tupleOf(reversed.reverse(), use);
    if (tuple !== undefined) questions.push({ tuple, row: String(row) });
  }
  return questions;
}

class Portions {
  readonly #run: SemanticQuery;
  /** The plan over the staged rows. */
  readonly #plan: QueryPlan;
  readonly #columns: readonly ResultColumn[];
  readonly #rowCount: number;
  #isGiven = false;

  constructor(
    run: SemanticQuery,
    plan: QueryPlan,
    columns: readonly ResultColumn[],
    rowCount: number,
  ) {
    this.#run = run;
    this.#plan = plan;
    this.#columns = columns;
    this.#rowCount = rowCount;
  }

  /** Throws a reason if the query over staged rows has other columns. */
  async check(): Promise<void> {
    const { session, stop } = this.#run.statement;
    const { text, parameters } = await this.#query(FIRST, LAST);
    const own = await session.describe(text, { parameters, signal: stop.signal });
    const textOf = (all: readonly ResultColumn[]) =>
      JSON.stringify(all.map(({ name, type }) => [name, type]));
    if (textOf(own) !== textOf(this.#columns)) throw new Unplannable('its columns change');
    this.#run.report.sql.push(text);
  }

  /** Asks the questions, and gives out the rows that are certain meanwhile. Returns the other rows. */
  async ask({ book }: OperatorUse, questions: readonly Question[]): Promise<ResultReader> {
    const { statement, settings, give } = this.#run;
    const window = new Window(openRuns(settings.parallel, settings.batch));
    for (const { tuple } of questions) book.lookUp(tuple);
    const asking = askOpen(this.#run, [{ book, tuples: book.takeMisses() }], window);
    const ended = asking.then(() => true);
    const isKnown = ({ tuple }: Question) => book.answerOf(tuple) !== undefined;
    let from = FIRST;
    let known = 0;
    try {
      while ((await Promise.race([ended, sleep(PAUSE_MS, false, { ref: false })])) === false) {
        while (known < questions.length && isKnown(questions[known]!)) known += 1;
        const to = questions[known]?.row ?? from;
        if (to === from) continue;
        const reader = await this.#rows(from, to);
        from = to;
        if (reader.rowCount === 0) continue;
        // A bought answer is on disk before its row.
        await statement.desk.journal.commit();
        this.#isGiven = true;
        const held = setTimeout(() => window.hold(), UNREAD_MS);
        await give!(reader).finally(() => clearTimeout(held));
        window.resume();
      }
      return await this.#rows(from, LAST);
    } catch (thrown) {
      if (this.#isGiven || !isReason(thrown)) statement.stop.fail(thrown);
      throw thrown;
    } finally {
      await ended.catch(() => undefined);
    }
  }

  /** The result rows from one rowid to before another. */
  async #rows(from: string, to: string): Promise<ResultReader> {
    // Codes for all answers pay where all rows are looked up, and not for each portion anew.
    this.#run.expectedRows = from === FIRST && to === LAST ? this.#rowCount : 0;
    try {
      return await passesOf(this.#run, await this.#query(from, to));
    } catch (thrown) {
      const isSql = thrown instanceof RvbbitError && isReason(thrown);
      if (!this.#isGiven || !isSql) throw thrown;
      // The statement cannot be answered in another way: its reader has rows of it.
      const { message, sqlState, cause } = thrown;
      const worded = inWords(message, this.#run.read);
      throw new RvbbitError('RVB_SQL', worded, { stage: 'execute', sqlState, cause });
    }
  }

  #query(from: string, to: string): Promise<PlannedSql> {
    const plan = this.#plan;
    const rowid = columnRef(relationName(plan.node['from_table'] as SqlNode), 'rowid');
    const plain = [
      comparison('COMPARE_GREATERTHANOREQUALTO', rowid, from),
      comparison('COMPARE_LESSTHAN', rowid, to),
    ];
    return plannedQuery(
      this.#run.statement,
      { ...plan, plain },
      { names: [], order: plan.semantic, inWhere: (use) => use },
    );
  }
}

function comparison(type: string, left: SqlNode, number: string): SqlNode {
  const right = castTo(textLiteral(number), 'BIGINT');
  return { class: 'COMPARISON', type, alias: '', query_location: 0, left, right };
}
