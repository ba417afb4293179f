/** Finds out what a semantic statement would ask: it goes its usual way, with stored or assumed answers. */

import { dropTables } from '../../duck/stage.ts';
import { RvbbitError } from '../../errors.ts';
import type { Experience } from '../../journal/experience/experience.ts';
import { answerQuery, planAnswers } from '../../semantic/answer-query.ts';
import { passesOf } from '../../semantic/find-answers.ts';
import { PlanReport } from '../../semantic/plan/plan-report.ts';
import type { SemanticQuery } from '../../semantic/semantic-query.ts';
import { EXPLAIN_SEARCH_MS } from '../explain-limits.ts';
import { type Assumption, Draws, type KnownShares } from './draws.ts';
import type { QuestionForesight } from './question-foresight.ts';
import { TrialAsker } from './trial-asker.ts';

export interface Trial {
  readonly asker: TrialAsker;
  readonly report: PlanReport;
  readonly draws: Draws;
  /** The number of result rows; absent if the statement failed because of assumed answers. */
  readonly rows?: number;
  readonly failure?: string;
}

export interface TrialSources {
  readonly foresight: QuestionForesight;
  readonly known: KnownShares;
  readonly experience: Experience;
  /** The share of TRUE answers if nothing is known of it. */
  readonly defaultShare?: number;
}

/** Changes no data: of a statement that changes data, only the query that reads the same rows is tried. */
export async function tryStatement(
  run: SemanticQuery,
  assumption: Assumption,
  { foresight, known, experience, defaultShare }: TrialSources,
): Promise<Trial> {
  const { settings, read } = run;
  for (const book of read.books) book.forget();
  const draws = new Draws(assumption, experience, known, defaultShare);
  const asker = new TrialAsker({ settings, foresight, known, draws });
  const report = new PlanReport();
  const stages: string[] = [];
  const trial: SemanticQuery = {
    ...run,
    // The tables that a trial has staged are dropped before the next trial.
    stages,
    settings: { ...settings, maxCalls: Infinity, maxPairs: Infinity },
    asker,
    report,
    searchMs: EXPLAIN_SEARCH_MS,
    // Questions cost nothing here.
    roughFactor: Infinity,
    expectedRows: 0,
  };
  try {
    return { asker, report, draws, rows: await rowsOf(trial) };
  } catch (thrown) {
    // With assumed answers, a cast of a text may fail, and a subquery may give more than a single row.
    const isAssumed = asker.hasDrawn && !run.statement.stop.signal.aborted;
    if (!isAssumed || !(thrown instanceof RvbbitError)) throw thrown;
    if (thrown.code !== 'RVB_SQL' && thrown.code !== 'RVB_LIMIT') throw thrown;
    return { asker, report, draws, failure: thrown.message.split('\n')[0] ?? '' };
  } finally {
    for (const book of read.books) book.forget();
    await dropTables(run.statement.session, stages);
  }
}

async function rowsOf(run: SemanticQuery): Promise<number> {
  const { parts, dry } = run.read;
  if (parts.kind === 'query') return (await answerQuery(run)).rowCount;
  const isEmpty = parts.kind === 'around' && parts.isEmpty === true;
  if (dry === undefined || isEmpty) return 0;
  const { reads } = await planAnswers(run, dry);
  return (await passesOf(run, reads)).rowCount;
}
