/**
 * Repeats queries whose answers are all in a table: as long as no text has changed data or settings since, the query
 * needs no reading, no planning and no search for missing answers, but only its pass.
 */
import { LRUCache } from 'lru-cache';
import type { CallDesk } from '../calls/call-desk.ts';
import type { ResultReader } from '../duck/reader.ts';
import type { Session } from '../duck/session.ts';
import type { Statement } from '../execute/statement.ts';
import type { OperatorRegistry } from '../operators/operator.ts';
import { type KeptQuestion, passOver, tableIdentity } from './answer-kept.ts';
import type { Hits } from './ask/recall.ts';
import { type KeptTable, keptAnswersOf } from './look-up/kept-answers.ts';
import { isReason } from './plan/query-tree.ts';
import type { SemanticStatement } from './read/read-statement.ts';
import type { SemanticSettings } from './read/semantic-settings.ts';
import type { SemanticQuery } from './semantic-query.ts';

/** The most queries of an engine that are remembered. */
const REPEATED_MAX = 256;

/** A query that can be repeated while `changes` is the session's count. */
export interface Repeated {
  readonly read: SemanticStatement;
  readonly registry: OperatorRegistry;
  readonly question: KeptQuestion;
  readonly table: KeptTable;
  readonly hits: Hits;
  readonly changes: number;
}

const ofDesks = new WeakMap<CallDesk, LRUCache<string, Repeated>>();
const sessionNumbers = new WeakMap<Session, number>();
let lastSession = 0;

function repeatedOf(desk: CallDesk): LRUCache<string, Repeated> {
  let repeated = ofDesks.get(desk);
  if (repeated === undefined) {
    // The names of its functions stay taken as long as a query is remembered.
    repeated = new LRUCache({ max: REPEATED_MAX, dispose: ({ read }) => read.release() });
    ofDesks.set(desk, repeated);
  }
  return repeated;
}

function keyOf({ session }: Statement, text: string, settings: SemanticSettings): string {
  let number = sessionNumbers.get(session);
  if (number === undefined) {
    lastSession += 1;
    number = lastSession;
    sessionNumbers.set(session, number);
  }
  return JSON.stringify([number, settings, text]);
}

/** The remembered query with this text, if nothing it depends on was changed. */
export function repeatedQuery(
  statement: Statement,
  text: string,
  settings: SemanticSettings,
  registry: OperatorRegistry,
): Repeated | undefined {
  const { desk, session, parameters } = statement;
  if (parameters !== undefined) return undefined;
  const known = repeatedOf(desk).get(keyOf(statement, text, settings));
  const isSame = known?.registry === registry && known.changes === session.changes;
  return isSame && keptAnswersOf(desk).find(known.question.identity)?.name === known.table.name
    ? known
    : undefined;
}

/** Remembers the query that `run` has answered. `changes` was read before it was. */
export function remember(
  { statement, read, settings, registry }: SemanticQuery,
  of: Pick<Repeated, 'question' | 'table' | 'hits' | 'changes'>,
): void {
  const { desk, session, parameters } = statement;
  const isSure = session.changes === of.changes && statement.stop.drained === undefined;
  if (!isSure || parameters !== undefined || session.isReadOnly) return;
  repeatedOf(desk).set(keyOf(statement, read.source, settings), { ...of, read, registry });
}

/** Whether the names that a statement took must stay taken. */
export function isRemembered({ desk }: Statement, { books }: SemanticStatement): boolean {
  return [...repeatedOf(desk).values()].some(({ read }) => read.books === books);
}

/** The result of a remembered query; undefined if something was changed meanwhile. */
export async function answerAgain(
  run: SemanticQuery,
  { question, table, hits, changes }: Repeated,
): Promise<ResultReader | undefined> {
  const { statement, asker } = run;
  const { operator } = question.use.book;
  const recall = await asker.recallOf(operator);
  if (recall === undefined || tableIdentity(recall, question) !== question.identity)
    return undefined;
  try {
    const reader = await passOver(run, question, table, true);
    if (statement.session.changes !== changes) return undefined;
    asker.countSettled(recall, hits, table.asked);
    return reader;
  } catch (thrown) {
    if (statement.stop.signal.aborted || !isReason(thrown)) throw thrown;
    return undefined;
  }
}
