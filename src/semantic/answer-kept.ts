/**
 * Answers a query from a table of DuckDB that holds the answers to all of its questions: the query runs once, with that
 * table in the operator's place. Other ways of answering leave such tables behind.
 */
import { mayCollate } from '../duck/may-collate.ts';
import { quoteIdentifier } from '../duck/quote.ts';
import type { ResultReader } from '../duck/reader.ts';
import type { Json } from '../util/json.ts';
import type { KnownAnswer, Recall } from './ask/recall.ts';
import { type KeptTable, keptAnswersOf } from './look-up/kept-answers.ts';
import type { ColumnType } from './look-up/native-types.ts';
import { type EagerQuestion, eagerQuestion } from './plan/eager-question.ts';
import { functionFacts } from './plan/function-facts.ts';
import { plannedSql } from './plan/planned-sql.ts';
import { readAnswer, typeOfUse } from './read/use.ts';
import type { SemanticQuery } from './semantic-query.ts';

/** The smallest number of answers that is kept as a table: to look up fewer one by one takes no longer. */
const KEPT_MIN_ANSWERS = 100;
/** The first rows of a query, as many as this for each kept answer, are likely to need all of them. */
const KEPT_ROWS_AN_ANSWER = 16;
/** With more first rows than these, a count of all rows is as fast: DuckDB takes the first rows on a single thread. */
const KEPT_MAX_FIRST_ROWS = 20_000;

/** The question of a query, and the key that its table of kept answers has. */
interface KeptQuestion extends EagerQuestion {
  readonly recall: Recall;
  readonly identity: string;
}

/** The question of a query that may find its answers in a table; undefined for any other query. */
export async function keptQuestionOf(run: SemanticQuery): Promise<KeptQuestion | undefined> {
  // A macro made in the caller's transaction would be undone, or kept, with it.
  if (run.read.inTransaction) return undefined;
  const facts = await functionFacts(run.statement.session, run.read.tree);
  const question = eagerQuestion(run.read, facts);
  if (question === undefined) return undefined;
  const { use, criteria } = question;
  const { operator } = use.book;
  const recall = await run.asker.recallOf(operator);
  if (recall?.takesAnyAge !== true) return undefined;
  const how = [operator.name, operator.returns, use.reading, use.threshold, criteria];
  return { ...question, recall, identity: `${recall.identity}\n${JSON.stringify(how)}` };
}

/** The query's result, if there is a table with all of its answers; else undefined. */
export async function answerKept(
  run: SemanticQuery,
  question: KeptQuestion,
): Promise<ResultReader | undefined> {
  const { session, desk } = run.statement;
  const kept = keptAnswersOf(desk);
  const table = kept.find(question.identity);
  if (table === undefined || (await mayCollate(session, run.read.source))) return undefined;
  const placed = macrosOver(table, question);
  let isDropped = false;
  try {
    const reader = await joined(run, question, placed.create);
    if (reader === undefined) {
      kept.forget(question.identity);
      return undefined;
    }
    run.report.passes += 1;
    await countHits(run, question, table, placed.drop);
    isDropped = true;
    return reader;
  } finally {
    // A macro that is left would hide the function of a later statement.
    if (!isDropped) await session.run(placed.drop, { own: true }).catch(() => undefined);
  }
}

/** The SQL that makes the macros in the operator's places, and the SQL that drops them. */
function macrosOver(
  { name }: KeptTable,
  { use, names }: EagerQuestion,
): { readonly create: string; readonly drop: string } {
  const args = use.book.operator.args.map((_, index) => `a${index}`).join(', ');
  const found = `(SELECT rvb_found FROM ${name} WHERE rvb_key = a0)`;
  const body = `coalesce(${found}, {v: ${use.names.miss}(${args})}).v`;
  const macros = names.map(quoteIdentifier);
  return {
    create: macros
      .map((one) => `CREATE OR REPLACE TEMP MACRO ${one}(${args}) AS ${body};`)
      .join('\n'),
    drop: macros.map((one) => `DROP MACRO IF EXISTS temp.main.${one};`).join('\n'),
  };
}

/** Runs the query as it is written, over the macros. Undefined where an answer is missing, or DuckDB refuses the query. */
async function joined(
  { state, statement, read }: SemanticQuery,
  { use, root }: EagerQuestion,
  create: string,
): Promise<ResultReader | undefined> {
  const { session, stop } = statement;
  const { signal } = stop;
  const { text, parameters } =
    root === undefined
      ? { text: read.whole.text, parameters: statement.parameters }
      : await plannedSql(statement, root);
  state.strict = true;
  state.stopped = false;
  try {
    // A text with parameters may hold only one statement, and a read-only session checks the user's text alone.
    if (parameters === undefined && !session.isReadOnly) {
      return await session.run(`${create}\n${text}`, { signal });
    }
    await session.run(create, { signal, own: true });
    return await session.run(text, { parameters, signal });
  } catch (thrown) {
    if (signal.aborted) throw thrown;
    use.book.takeMisses();
    return undefined;
  } finally {
    state.strict = false;
  }
}

/** Counts each answer that the query needed once, as if it had been looked up. `before` is SQL that runs first. */
async function countHits(
  { statement, asker }: SemanticQuery,
  { recall, values }: KeptQuestion,
  { name, rowCount, asked }: KeptTable,
  before: string,
): Promise<void> {
  const { session, stop } = statement;
  const { signal } = stop;
  const { text, parameters } = await plannedSql(statement, values);
  const count = async (keys: string, first = '') => {
    const query = `SELECT count(*), count(*) FILTER (rvb_found.v IS NULL), sum(rvb_cost) FROM ${name} WHERE rvb_key IN (${keys})`;
    // A text with parameters may hold only one statement.
    const isApart = parameters !== undefined || session.isReadOnly;
    if (isApart && first !== '') await session.run(first, { signal, own: true });
    const sql = isApart ? query : `${first}${query}`;
    const reader = await session.run(sql, { parameters, signal });
    const [[hits], [nulls], [cost]] = (await reader.allColumns('json')) as [Json[], Json[], Json[]];
    const savedMicroUsd = cost === null || cost === undefined ? null : Number(cost);
    return { count: Number(hits), nulls: Number(nulls), savedMicroUsd };
  };
  const someRows = rowCount * KEPT_ROWS_AN_ANSWER;
  const isTried = someRows <= KEPT_MAX_FIRST_ROWS;
  let settled = await count(isTried ? `FROM (${text}) LIMIT ${someRows}` : text, `${before}\n`);
  // Where the first rows need all answers, the others can add none.
  if (isTried && settled.count < rowCount) settled = await count(text);
  asker.countSettled(recall, settled, asked);
}

/** Keeps the answers of a query as a table, if it has found all of them and all are stored answers. */
export async function keepAnswers(run: SemanticQuery, question: KeptQuestion): Promise<void> {
  const { statement } = run;
  const { use, criteria, recall, identity } = question;
  const { book } = use;
  const isWhole = book.failed === 0 && statement.stop.drained === undefined;
  if (!isWhole || book.size < KEPT_MIN_ANSWERS) return;
  const kept = keptAnswersOf(statement.desk);
  const { changes } = statement.desk.journal.answers;
  const answers = [...book.entries()];
  const known = recall.knownOf(answers.map(({ tuple }) => tuple));
  if (known === undefined) return;
  const isIts = ({ tuple }: KnownAnswer) =>
    JSON.stringify(tuple.slice(1)) === JSON.stringify(criteria);
  if (!known.every(isIts)) return;
  await kept.keep(
    identity,
    statement.session,
    {
      keyType: book.operator.args[0]!.type.toUpperCase() as ColumnType,
      keys: answers.map(({ tuple }) => tuple[0]),
      answerType: typeOfUse(use) as ColumnType,
      answers: answers.map(({ value }) => readAnswer(use, value)),
      costs: known.map(({ costMicroUsd }) => costMicroUsd),
      asked: known[0]!.asked,
    },
    changes,
  );
}
