/** Asks open questions, after a check of how many calls and pairs of values they take. */
import { RvbbitError } from '../../errors.ts';
import type { Window } from '../../execute/window.ts';
import { ofQuestion } from '../plan/query-tree.ts';
import type { SemanticSettings } from '../read/semantic-settings.ts';
import type { SemanticQuery } from '../semantic-query.ts';
import type { AnswerBook, Tuple } from './answer-book.ts';
import { callsOf, callsPerRun } from './calls-per-run.ts';

/** Characters that a message shows of the SQL that reads the values of questions. */
const SOURCE_CHARS = 160;

/** Questions of one operator that have no answer yet. */
export interface OpenQuestions {
  readonly book: AnswerBook;
  readonly tuples: readonly Tuple[];
}

/**
 * Asks the questions. Throws RVB_LIMIT before the first call if they take more calls or pairs than the statement may
 * make.
 */
export async function askOpen(
  run: SemanticQuery,
  open: readonly OpenQuestions[],
  window?: Window,
): Promise<void> {
  for (const { book, tuples } of await affordable(run, open)) {
    await ofQuestion(run.asker.ask(book, tuples, window));
  }
}

/** How many more questions of this operator fit within max_calls. */
export function roomFor({ settings, asker }: SemanticQuery, { operator }: AnswerBook): number {
  const each = callsPerRun(operator.cascade);
  if (each === 0) return Infinity;
  return Math.max(0, Math.floor(((settings.maxCalls - asker.calls) * perCall(settings)) / each));
}

/**
 * The questions that are left to ask. Only where all of them together would be too many calls, it first answers those
 * that take no call, by a stored answer or a plain rule. Throws RVB_LIMIT.
 */
async function affordable(
  run: SemanticQuery,
  open: readonly OpenQuestions[],
): Promise<readonly OpenQuestions[]> {
  const { settings, asker } = run;
  for (const { book, tuples } of open) {
    const pairs = book.isPaired ? book.size + tuples.length : 0;
    if (pairs > settings.maxPairs) throw tooManyPairs(pairs, settings);
  }
  const atMost = callsOfAll(open, settings);
  if (atMost === 0 || asker.calls + atMost <= settings.maxCalls) return open;
  const left: OpenQuestions[] = [];
  for (const { book, tuples } of open) {
    left.push({ book, tuples: await asker.settleWithoutCalls(book, tuples) });
  }
  const calls = callsOfAll(left, settings);
  if (calls === 0 || asker.calls + calls <= settings.maxCalls) return left;
  throw tooManyCalls(run, left, calls);
}

function callsOfAll(open: readonly OpenQuestions[], settings: SemanticQuery['settings']): number {
  const questions = open.reduce((sum, { book, tuples }) => sum + callsOf(book.operator, tuples), 0);
  return Math.ceil(questions / perCall(settings));
}

/** Returns how many questions share a call for sure, unless answers are missing. */
function perCall({ batch }: SemanticQuery['settings']): number {
  return typeof batch === 'number' ? batch : 1;
}

function tooManyCalls(
  { settings, asker, report }: SemanticQuery,
  open: readonly OpenQuestions[],
  calls: number,
): RvbbitError {
  const before = asker.calls > 0 ? ` after ${asker.calls} that were made` : '';
  return new RvbbitError(
    'RVB_LIMIT',
    `the statement would make ${calls} model calls${before}, and max_calls is ${settings.maxCalls}; ${costsOf(open)}${readBy(report.sql.at(-1))}; add plain conditions or a LIMIT, or raise it: -- @ max_calls: ${asker.calls + calls}`,
    { stage: 'plan' },
  );
}

/** Says which operators ask how many values; the operator with the most calls comes first. */
function costsOf(open: readonly OpenQuestions[]): string {
  return open
    .map(({ book: { operator }, tuples }) => {
      const calls = callsOf(operator, tuples);
      const inCalls = calls === tuples.length ? '' : ` in ${calls} calls`;
      return { calls, text: `${operator.name} asks ${tuples.length} distinct values${inCalls}` };
    })
    .filter(({ calls }) => calls > 0)
    .sort((a, b) => b.calls - a.calls)
    .map(({ text }) => text)
    .join(', ');
}

/** Says where the values come from, with the plain conditions before the questions. `staged`: the SQL that read them. */
function readBy(staged: string | undefined): string {
  const from = staged?.search(/\bFROM\b/) ?? -1;
  if (staged === undefined || from < 0) return '';
  const text = staged.slice(from);
  const shown = text.length > SOURCE_CHARS ? `${text.slice(0, SOURCE_CHARS - 1)}…` : text;
  return /\bWHERE\b/.test(text) ? ` of ${shown}` : ` of ${shown}, without a plain condition`;
}

function tooManyPairs(pairs: number, { maxPairs }: SemanticSettings): RvbbitError {
  return new RvbbitError(
    'RVB_LIMIT',
    `the statement compares ${pairs} pairs of values of two tables, and max_pairs is ${maxPairs}; join on a plain condition first, or raise it: -- @ max_pairs: ${pairs}`,
    { stage: 'plan' },
  );
}
