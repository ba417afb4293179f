/** Answers a statement's questions without asking a model: with stored answers, or else as a trial assumes. */

import { AdvisoryTally } from '../../execute/advisories.ts';
import type { Operator } from '../../operators/operator.ts';
import {
  type Answer,
  type AnswerBook,
  asAsked,
  type Tuple,
} from '../../semantic/ask/answer-book.ts';
import type { AskProgress, QuestionAsker } from '../../semantic/ask/asker.ts';
import { type ComparedPairs, comparedPairs } from '../../semantic/ask/pair-advice.ts';
import type { SemanticSettings } from '../../semantic/read/semantic-settings.ts';
import { CallTally } from '../estimate/call-tally.ts';
import { EXPLAIN_MAX_RUNS } from '../explain-limits.ts';
import type { ForeseenRun } from '../foresee/foreseen.ts';
import type { Draws, KnownShares } from './draws.ts';
import type { ForeseenQuestion, QuestionForesight } from './question-foresight.ts';

/** The questions to one operator. */
export interface TrialStep {
  readonly operator: Operator;
  readonly tally: CallTally;
  /** The inputs of runs that several calls of seed functions share. */
  readonly inputs: Set<string>;
  /** `sent`: the runs that go out, also those that a LIMIT then cancels. `foreseen`: the part that was foreseen one by one. */
  sent: number;
  foreseen: number;
  /** The questions whose answers are waited for. */
  questions: number;
}

export interface TrialParts {
  readonly settings: SemanticSettings;
  readonly foresight: QuestionForesight;
  readonly known: KnownShares;
  readonly draws: Draws;
}

/** Takes the place of the asker, so that a trial goes exactly the statement's way. */
export class TrialAsker implements QuestionAsker {
  readonly advisories = new AdvisoryTally();
  readonly shadowing = [];
  readonly compared = new Map<Operator, ComparedPairs>();
  readonly bound = new Map<never, never>();
  /** Always 0: guards are checked at the end, and a trial goes on beyond them. */
  readonly calls = 0;
  /** The steps, in the order in which the operators were first asked. */
  readonly steps = new Map<Operator, TrialStep>();
  /** The most pairs of two tables' values that one batch asked. */
  mostPairs = 0;
  /** True once an answer was assumed. */
  hasDrawn = false;
  /** False once a question came after an assumed answer, because the question may depend on that answer. */
  isDetermined = true;
  readonly #parts: TrialParts;
  readonly #made = new Set<string>();

  constructor(parts: TrialParts) {
    this.#parts = parts;
  }

  /** Nothing is recalled, because a trial asks question by question. */
  async recallOf(): Promise<undefined> {
    return undefined;
  }

  async settleGiven(): Promise<ReadonlyMap<AnswerBook, readonly Tuple[]>> {
    return new Map();
  }

  countSettled(): void {}

  get asked(): number {
    return [...this.steps.values()].reduce((sum, { questions }) => sum + questions, 0);
  }

  async ask(book: AnswerBook, tuples: readonly Tuple[]): Promise<void> {
    if (tuples.length === 0) return;
    if (book.isPaired) this.mostPairs = Math.max(this.mostPairs, book.size + tuples.length);
    if (this.hasDrawn) this.isDetermined = false;
    const { operator } = book;
    const step = await this.#step(operator);
    const compared = comparedPairs(book, tuples);
    if (compared !== undefined) this.compared.set(operator, compared);
    const questions: (ForeseenQuestion | undefined)[] = [];
    const before = step.sent;
    for (const tuple of tuples) questions.push(await this.#foresee(step, tuple));
    step.questions += step.sent - before;
    for (const [index, tuple] of tuples.entries()) {
      book.answer(tuple, this.#answer(operator, tuple, questions[index]));
    }
  }

  async askInOrder(
    book: AnswerBook,
    tuples: readonly Tuple[],
    progress: AskProgress,
  ): Promise<void> {
    const { operator } = book;
    const { parallel } = this.#parts.settings;
    const step = await this.#step(operator);
    const out: (ForeseenQuestion | undefined)[] = [];
    for (const [index, tuple] of tuples.entries()) {
      // When the next answer comes, as many questions are in flight as are allowed.
      const ahead = index + Math.min(parallel, Math.max(1, progress.lookAhead()));
      if (this.hasDrawn && out.length < Math.min(ahead, tuples.length)) this.isDetermined = false;
      while (out.length < Math.min(ahead, tuples.length)) {
        out.push(await this.#foresee(step, tuples[out.length]!));
      }
      step.questions += 1;
      book.answer(tuple, this.#answer(operator, tuple, out[index]));
      if (progress.enough(index)) {
        if (this.hasDrawn) this.isDetermined = false;
        return;
      }
    }
  }

  /** Finds nothing ahead: only guards need that, and in a trial they are off. */
  async settleWithoutCalls(_book: AnswerBook, tuples: readonly Tuple[]): Promise<readonly Tuple[]> {
    return tuples;
  }

  /** Counts and foresees a question. Beyond `EXPLAIN_MAX_RUNS`, nothing is known of the questions. */
  async #foresee(step: TrialStep, tuple: Tuple): Promise<ForeseenQuestion | undefined> {
    if (step.foreseen >= EXPLAIN_MAX_RUNS) {
      step.sent += 1;
      return undefined;
    }
    const { foresight, known, settings, draws } = this.#parts;
    const { operator } = step;
    const question = await foresight.foresee(operator, asAsked(operator, tuple));
    const isAssumed = tuple.some((value) => draws.holdsAssumed(value));
    const isShared = operator.deterministic && operator.seed !== 'rvbbit_run_batch';
    for (const { key, run } of question.runs) {
      if (operator.seed !== undefined && isShared && step.inputs.has(key)) continue;
      if (operator.seed !== undefined) step.inputs.add(key);
      step.sent += 1;
      step.foreseen += 1;
      // The question's real input is not known, and so the keys of its calls are not known either.
      step.tally.add(isAssumed ? withoutKeys(run) : run);
    }
    if (isAssumed) return undefined;
    if (question.answer !== undefined) {
      known.note(operator, tuple, question.answer, settings.threshold);
    }
    return question;
  }

  #answer(operator: Operator, tuple: Tuple, question: ForeseenQuestion | undefined): Answer {
    if (question?.answer !== undefined) return question.answer;
    this.hasDrawn = true;
    return this.#parts.draws.draw(operator, tuple);
  }

  async #step(operator: Operator): Promise<TrialStep> {
    let step = this.steps.get(operator);
    if (step === undefined) {
      const made = (await this.#parts.foresight.reuses(operator)) ? this.#made : undefined;
      const tally = new CallTally(operator.cascade.file, made, this.#parts.settings.batch);
      step = { operator, tally, inputs: new Set(), sent: 0, foreseen: 0, questions: 0 };
      this.steps.set(operator, step);
    }
    return step;
  }
}

function withoutKeys({ calls }: ForeseenRun): ForeseenRun {
  return { calls: calls.map(({ callKey: _, ...call }) => ({ ...call, isStored: false })) };
}
