/**
 * Answers a query that asks one question of each row from a table of kept answers: DuckDB finds the values that have no
 * answer yet, they are asked and added, and the query runs once, with that table in the operator's place.
 */
import { mayCollate } from '../duck/may-collate.ts';
import { quoteIdentifier } from '../duck/quote.ts';
import type { ResultReader } from '../duck/reader.ts';
import type { Operator } from '../operators/operator.ts';
import type { Json } from '../util/json.ts';
import { onlyOperator } from './answer-in-portions.ts';
import type { AnswerBook, Tuple } from './ask/answer-book.ts';
import { askOpen } from './ask/ask-open.ts';
import type { Hits, KnownAnswer, Recall } from './ask/recall.ts';
import { canStopEarly } from './bounds/polarity.ts';
import { type KeptTable, keptAnswersOf } from './look-up/kept-answers.ts';
import { type ColumnType, hasCriteria, NATIVE_TYPES } from './look-up/native-types.ts';
import { type EagerQuestion, eagerQuestion } from './plan/eager-question.ts';
import { functionFacts } from './plan/function-facts.ts';
import { plannedSql } from './plan/planned-sql.ts';
import { planSelect, rootOf, usesOf } from './plan/query-plan.ts';
import { isNode, isReason } from './plan/query-tree.ts';
import { readsOwnTables } from './plan/reads-own-tables.ts';
import type { SemanticStatement } from './read/read-statement.ts';
import { type OperatorUse, typeOfUse } from './read/use.ts';
import type { SemanticQuery } from './semantic-query.ts';

/** The most answers that are bought before the first row of a result whose rows are wanted as they become certain. */
const KEPT_MAX_MISSING = 256;

/** Keys of DuckDB's tree under which a condition stands. */
const CONDITIONS = new Set(['where_clause', 'condition', 'having', 'when_expr']);

/** The question of a query, and the key that its table of kept answers has. */
export interface KeptQuestion extends EagerQuestion {
  readonly recall: Recall;
  readonly identity: string;
  readonly counts: Counts;
  /** The session's count of changes before the query is run; undefined if it may read other data unseen. */
  readonly changes: number | undefined;
  /** With more values that the table has no answer to, the query is answered in another way. */
  readonly mostMissing: number;
}

/** The question of a query that may find its answers in a table; undefined for any other query. */
export async function keptQuestionOf(run: SemanticQuery): Promise<KeptQuestion | undefined> {
  // A macro made in the caller's transaction would be undone, or kept, with it.
  if (run.read.inTransaction) return undefined;
  const { session } = run.statement;
  const { tree } = run.read;
  const facts = await functionFacts(session, tree);
  const question = eagerQuestion(run.read, facts);
  if (question === undefined) return undefined;
  const { operator } = question.use.book;
  const recall = await run.asker.recallOf(operator);
  if (recall?.takesAnyAge !== true || !isKept(operator)) return undefined;
  const useOf = usesOf(run.read);
  // Read before the catalogue is: a table may become a view of a file at once after that.
  const before = session.changes;
  const isOwn = await readsOwnTables(session, tree, facts, (node) => useOf(node) !== undefined);
  const changes = isOwn ? before : undefined;
  const counts = countsOf(run.read, question);
  const isInPortions =
    run.give !== undefined &&
    onlyOperator(planSelect(run.read, rootOf(run.read), facts), facts) !== undefined;
  const identity = tableIdentity(recall, question);
  // Here all missing values are asked at once: other ways give rows out meanwhile, or stop before all are asked.
  const mostMissing = Math.min(
    isInPortions ? KEPT_MAX_MISSING : Infinity,
    canStopEarly(rootOf(run.read).node, { useOf, facts }) ? run.settings.parallel : Infinity,
  );
  return { ...question, counts, recall, changes, identity, mostMissing };
}

/** What counts of a value: the value itself, or only whether it is TRUE, or only whether it is FALSE. */
type Counts = 'value' | 'true' | 'false';

/** What counts of a BOOLEAN operator at all of its places; `value` if that differs. */
function countsOf(read: SemanticStatement, { names, use }: EagerQuestion): Counts {
  const found = new Set<Counts>();
  const search = (part: unknown, counts: Counts): void => {
    if (Array.isArray(part)) for (const one of part) search(one, counts);
    if (!isNode(part)) return;
    const { type } = part;
    if (names.includes(String(part['function_name']))) found.add(counts);
    // NULL and FALSE are the same to a condition, also through AND and OR.
    const passesOn = counts !== 'value' && /^CONJUNCTION_(AND|OR)$/.test(String(type));
    const negates = counts !== 'value' && type === 'OPERATOR_NOT';
    for (const [key, child] of Object.entries(part)) {
      const isCondition = CONDITIONS.has(key);
      if (key === 'children' && passesOn) search(child, counts);
      else if (key === 'children' && negates) search(child, counts === 'true' ? 'false' : 'true');
      else search(child, isCondition ? 'true' : 'value');
    }
  };
  search(rootOf(read).node, 'value');
  const [only = 'value', ...others] = found;
  return typeOfUse(use) === 'BOOLEAN' && others.length === 0 ? only : 'value';
}

/** Whether answers of the operator are kept. DuckDB and JavaScript take different DOUBLEs for equal, e.g. -0.0 and 0.0. */
function isKept(operator: Operator): boolean {
  const [first] = operator.args;
  const types = [operator.returns.toUpperCase(), String(first?.type).toUpperCase()];
  return (
    types.every((type) => NATIVE_TYPES.has(type)) && types[1] !== 'DOUBLE' && hasCriteria(operator)
  );
}

/** The key of the table that answers a question. */
export function tableIdentity(recall: Recall, { use, criteria }: EagerQuestion): string {
  return identityOf(recall, use.book.operator, criteria);
}

function identityOf(recall: Recall, { name, returns }: Operator, criteria: Tuple): string {
  return `${recall.identity}\n${JSON.stringify([name, returns, criteria])}`;
}

/** A query's result, and the answers of the table that it needed; without `hits` if some were not in the table. */
interface KeptResult {
  readonly reader: ResultReader;
  readonly table: KeptTable;
  readonly hits: Hits | undefined;
}

/** The query's result; undefined if no table has answers to its question, or DuckDB refuses the query in this form. */
export async function answerKept(
  run: SemanticQuery,
  question: KeptQuestion,
): Promise<KeptResult | undefined> {
  const { session, desk, stop } = run.statement;
  const { use, criteria, changes, recall } = question;
  const { book } = use;
  const table = keptAnswersOf(desk).find(question.identity);
  if (table === undefined || (await mayCollate(session, run.read.source))) return undefined;
  const found = await orUndefined(run, () => foundIn(run, question, table));
  if (found === undefined) return undefined;
  if (found.missing.length > question.mostMissing) return undefined;
  const tuples = found.missing.map((value) => [value, ...criteria]);
  if (tuples.length > 0) {
    await askOpen(run, [{ book, tuples }]);
    await keepAnswers(run, question);
  }
  const added = hitsOf(recall, book, tuples);
  const hits = added === undefined ? undefined : sumOf(found.hits, added);
  const isComplete = hits !== undefined && stop.drained === undefined;
  const isUnchanged = () => changes !== undefined && changes === session.changes;
  const query = (isWhole: boolean) =>
    orUndefined(run, () => passOver(run, question, table, isWhole));
  let reader = isComplete && isUnchanged() ? await query(true) : undefined;
  // Where other rows may have come, a value may have no answer, which only a look-up of each value notices.
  if (reader === undefined || !isUnchanged()) reader = await query(false);
  if (reader === undefined) return undefined;
  run.asker.countSettled(recall, found.hits, table.asked);
  return { reader, table, hits };
}

/** All answers to the question as hits of a later statement, and their table; undefined if one of them is not kept. */
export async function keptHits(
  { statement, read }: SemanticQuery,
  { use: { book }, recall, identity }: KeptQuestion,
): Promise<Pick<KeptResult, 'table' | 'hits'> | undefined> {
  const table = keptAnswersOf(statement.desk).find(identity);
  if (table === undefined || (await mayCollate(statement.session, read.source))) return undefined;
  return {
    table,
    hits: hitsOf(
      recall,
      book,
      [...book.entries()].map(({ tuple }) => tuple),
    ),
  };
}

/** The answers to these questions as hits; undefined if one of them is not stored. */
function hitsOf(recall: Recall, book: AnswerBook, tuples: readonly Tuple[]): Hits | undefined {
  let [count, nulls, savedMicroUsd]: [number, number, number | null] = [0, 0, null];
  for (const tuple of tuples) {
    const known = recall.knownOf(tuple);
    if (known === undefined) return undefined;
    count += 1;
    if (book.answerOf(tuple) === null) nulls += 1;
    savedMicroUsd = costOf(savedMicroUsd, known.costMicroUsd);
  }
  return { count, nulls, savedMicroUsd };
}

function sumOf(a: Hits, b: Hits): Hits {
  return {
    count: a.count + b.count,
    nulls: a.nulls + b.nulls,
    savedMicroUsd: costOf(a.savedMicroUsd, b.savedMicroUsd),
  };
}

/** The sum of two prices, of which null is not known. */
function costOf(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : a + b;
}

/** The result of `work`; undefined where DuckDB refuses it. */
async function orUndefined<T>(run: SemanticQuery, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (thrown) {
    if (run.statement.stop.signal.aborted || !isReason(thrown)) throw thrown;
    return undefined;
  }
}

/** The answers in the table that the query needs, each counted once, and the values that have none. */
async function foundIn(
  { statement }: SemanticQuery,
  { values, use }: KeptQuestion,
  { name }: KeptTable,
): Promise<{ readonly hits: Hits; readonly missing: readonly Json[] }> {
  const { text, parameters } = await plannedSql(statement, values);
  const reader = await statement.session.run(
    `SELECT count(rvb_key), count(*) FILTER (rvb_key IS NOT NULL AND v IS NULL), sum(rvb_cost), list(rvb_value) FILTER (rvb_key IS NULL)
FROM (SELECT DISTINCT rvb_value FROM (${text}) rvb_values(rvb_value) WHERE rvb_value IS NOT NULL) LEFT JOIN ${name} ON rvb_value = rvb_key`,
    { parameters, signal: statement.stop.signal },
  );
  const [[hits], [nulls], [cost], [list]] = (await reader.allColumns('json')) as Json[][] as [
    Json[],
    Json[],
    Json[],
    (Json[] | null)[],
  ];
  const isWide = use.book.operator.args[0]!.type.toUpperCase() === 'BIGINT';
  const missing = (list ?? []).map((value) =>
    isWide && Number.isSafeInteger(Number(value)) ? Number(value) : value,
  );
  const savedMicroUsd = cost === null || cost === undefined ? null : Number(cost);
  return { hits: { count: Number(hits), nulls: Number(nulls), savedMicroUsd }, missing };
}

/**
 * Runs the query over macros in the operator's places: a look-up in the table alone if each value has an answer there,
 * else a look-up that calls the operator's function for the others. A missing answer is an error, unless the statement
 * ends early.
 */
export async function passOver(
  { state, statement, read, report }: SemanticQuery,
  { use, names, root, counts }: KeptQuestion,
  { name }: KeptTable,
  isWhole: boolean,
): Promise<ResultReader> {
  const { session, stop } = statement;
  const { signal } = stop;
  const { args } = use.book.operator;
  const list = args.map((_, index) => `a${index}`).join(', ');
  const key = `CAST(a0 AS ${args[0]!.type})`;
  const found = (answer: string) => `(SELECT ${answer} FROM ${name} WHERE rvb_key = ${key})`;
  const answer = readingSql(use);
  const whole = {
    value: found(answer),
    // Only the keys with this answer go into the join.
    true: `${key} IN (SELECT rvb_key FROM ${name} WHERE ${answer})`,
    false: `${key} NOT IN (SELECT rvb_key FROM ${name} WHERE NOT (${answer}))`,
  };
  const body = isWhole
    ? whole[counts]
    : `coalesce(${found(`{v: ${answer}}`)}, {v: ${use.names.miss}(${list})}).v`;
  const macros = names.map(quoteIdentifier);
  const create = macros
    .map((one) => `CREATE OR REPLACE TEMP MACRO ${one}(${list}) AS ${body};`)
    .join('\n');
  const { text, parameters } =
    root === undefined || isWhole
      ? { text: read.whole.text, parameters: statement.parameters }
      : await plannedSql(statement, root);
  state.strict = stop.drained === undefined;
  state.stopped = false;
  report.passes += 1;
  try {
    // A text with parameters may hold only one statement, and a read-only session checks the user's text alone.
    if (parameters === undefined && !session.isReadOnly) {
      return await session.run(`${create}\n${text}`, { signal, changes: false });
    }
    await session.run(create, { signal, own: true });
    return await session.run(text, { parameters, signal });
  } catch (thrown) {
    use.book.takeMisses();
    throw thrown;
  } finally {
    state.strict = false;
    // A macro that is left would hide the function of a later statement.
    const drop = macros.map((one) => `DROP MACRO IF EXISTS temp.main.${one};`).join('\n');
    await session.run(drop, { own: true }).catch(() => undefined);
  }
}

/** The SQL of a use's value for the answer `v`, as `readAnswer` gives it. */
export function readingSql({
  reading,
  threshold,
}: Pick<OperatorUse, 'reading' | 'threshold'>): string {
  switch (reading) {
    case 'not':
      return 'NOT v';
    case 'matches':
      return `v >= ${threshold}::DOUBLE`;
    case 'misses':
      return `v < ${threshold}::DOUBLE`;
    default:
      return 'v';
  }
}

/** Keeps the answers that the statement got from workers, and all answers to `question`, for later statements. */
export async function keepAnswers(run: SemanticQuery, question?: KeptQuestion): Promise<void> {
  const given = await run.asker.settleGiven();
  for (const book of run.read.books) {
    const { operator } = book;
    const tuples =
      question?.use.book === book
        ? [...book.entries()].map(({ tuple }) => tuple)
        : (given.get(book) ?? []);
    const recall =
      tuples.length > 0 && isKept(operator) ? await run.asker.recallOf(operator) : undefined;
    if (recall !== undefined) await keepTuples(run, recall, book, tuples);
  }
}

async function keepTuples(
  { statement }: SemanticQuery,
  recall: Recall,
  book: AnswerBook,
  tuples: readonly Tuple[],
): Promise<void> {
  const { desk, session } = statement;
  const { operator } = book;
  const { changes } = desk.journal.answers;
  const groups = new Map<string, { readonly criteria: Tuple; readonly known: KnownAnswer[] }>();
  for (const tuple of tuples) {
    const known = recall.knownOf(tuple);
    if (known === undefined) continue;
    const criteria = tuple.slice(1);
    const key = JSON.stringify(criteria);
    const group = groups.get(key) ?? { criteria, known: [] };
    groups.set(key, group);
    group.known.push(known);
  }
  for (const { criteria, known } of groups.values()) {
    await keptAnswersOf(desk).add(identityOf(recall, operator, criteria), session, {
      keyType: operator.args[0]!.type.toUpperCase() as ColumnType,
      keys: known.map(({ tuple: [key] }) => key),
      answerType: operator.returns.toUpperCase() as ColumnType,
      answers: known.map(({ tuple }) => book.answerOf(tuple) ?? null),
      costs: known.map(({ costMicroUsd }) => costMicroUsd),
      asked: known[0]!.asked,
      changes,
    });
  }
}
