/** Asks open questions: each question is a run of the operator's cascade, and several runs are in flight at a time. */

import type { Budget } from '../../calls/budget.ts';
import { openRuns } from '../../calls/call-batches.ts';
import { RvbbitError } from '../../errors.ts';
import { AdvisoryTally } from '../../execute/advisories.ts';
import type { Piece, RunInputs } from '../../execute/chunk.ts';
import { executeRuns } from '../../execute/execute-runs.ts';
import type { Statement, StatementWithCascade } from '../../execute/statement.ts';
import { nextStatementId } from '../../execute/statement-id.ts';
import { Window } from '../../execute/window.ts';
import { WINDOW_MAX_RUNS } from '../../limits.ts';
import type { BoundModels } from '../../model/models.ts';
import type { Operator } from '../../operators/operator.ts';
import type { Summary } from '../../result.ts';
import type { LookUp } from '../../run/contract.ts';
import type { Json } from '../../util/json.ts';
import { StatementSignal } from '../../util/statement-signal.ts';
import type { SemanticSettings } from '../read/semantic-settings.ts';
import { type Answer, type AnswerBook, asAsked, type Tuple } from './answer-book.ts';
import { answerValue, checkedValue } from './answer-value.ts';
import { argumentInput } from './argument-input.ts';
import { askSeeds } from './ask-seeds.ts';
import { fallbackAnswer } from './fallback.ts';
import { type ComparedPairs, comparedPairs } from './pair-advice.ts';
import { type GivenAnswer, type Hits, type KnownAnswer, Recall } from './recall.ts';

/** Lets a batch of questions end before its last question. */
export interface AskProgress {
  /** Called after each answer, in the order of the questions. Returns true if no more answers are needed. */
  enough(index: number): boolean;
  /** How many questions may be in flight beyond the last answered question. */
  lookAhead(): number;
}

/** The part of a statement that asks questions. */
export interface QuestionAsker {
  readonly advisories: AdvisoryTally;
  /** Names of tables that the statement made and that hide a table of the same name in the database. */
  readonly shadowing: readonly string[];
  /** Questions asked so far, including questions whose run failed. */
  readonly asked: number;
  /** Model calls made for these questions so far, not counting retries. */
  readonly calls: number;
  /** For each operator: the pairs of values that it compared, where labels would have taken fewer calls. */
  readonly compared: ReadonlyMap<Operator, ComparedPairs>;
  /** The models of each operator that was asked; undefined if it has none. */
  readonly bound: ReadonlyMap<Operator, BoundModels | undefined>;
  /**
   * Asks the questions and puts the answers into the book. The window may hold them back. Throws what ends the statement.
   */
  ask(book: AnswerBook, tuples: readonly Tuple[], window?: Window): Promise<void>;
  /** Like `ask`, for questions that all have the same number of arguments; `progress` may end it early. */
  askInOrder(book: AnswerBook, tuples: readonly Tuple[], progress: AskProgress): Promise<void>;
  /** The stored answers that an operator's questions may use; undefined if its questions always go to workers. */
  recallOf(operator: Operator): Promise<Recall | undefined>;
  /**
   * Remembers the answers that workers gave so far, for later statements, once they are on disk. Returns their questions.
   */
  settleGiven(): Promise<ReadonlyMap<AnswerBook, readonly Tuple[]>>;
  /** Counts questions that stored answers settled all at once, not one by one. */
  countSettled(recall: Recall, hits: Hits, asked: KnownAnswer['asked']): void;
  /**
   * Answers the questions that take no call, by answers of earlier statements or by a plain rule. Returns the other
   * questions.
   */
  settleWithoutCalls(book: AnswerBook, tuples: readonly Tuple[]): Promise<readonly Tuple[]>;
}

/** Asks models. Batches run one after another, and share the statement's budget and ledger. */
export class Asker implements QuestionAsker {
  readonly advisories = new AdvisoryTally();
  readonly shadowing: string[] = [];
  readonly compared = new Map<Operator, ComparedPairs>();
  readonly bound = new Map<Operator, BoundModels | undefined>();
  readonly #statement: Statement;
  readonly #settings: SemanticSettings;
  readonly #budget: Budget | undefined;
  /** For each operator without models: the error that says why. It is thrown where one of its questions needs a model. */
  readonly #unbound = new Map<Operator, RvbbitError>();
  /** Answers that workers gave, each with the key of its only call. */
  readonly #given: (GivenAnswer & { readonly recall: Recall; readonly book: AnswerBook })[] = [];
  /** The count `AnswerStore.changes` before the first question. */
  #changes: number;
  #asked = 0;
  /** The end of the last batch. */
  #last: Promise<void> = Promise.resolve();
  #before: Pick<Summary, 'rows' | 'runs'> | undefined;

  constructor(statement: Statement, settings: SemanticSettings, budget: Budget | undefined) {
    this.#statement = statement;
    this.#settings = settings;
    this.#budget = budget;
    this.#changes = statement.desk.journal.answers.changes;
  }

  get asked(): number {
    return this.#asked;
  }

  get calls(): number {
    return this.#statement.ledger.callsMade;
  }

  async ask(book: AnswerBook, tuples: readonly Tuple[], window?: Window): Promise<void> {
    const before = this.#last.catch(() => undefined);
    this.#last = before.then(async () => {
      for (const alike of byWidth(tuples)) await this.#ask(book, alike, { given: window });
    });
    return this.#last;
  }

  async askInOrder(
    book: AnswerBook,
    tuples: readonly Tuple[],
    progress: AskProgress,
  ): Promise<void> {
    await this.#ask(book, tuples, { progress });
  }

  async settleWithoutCalls(book: AnswerBook, tuples: readonly Tuple[]): Promise<readonly Tuple[]> {
    for (const alike of byWidth(tuples)) await this.#ask(book, alike, { onlyStored: true });
    return tuples.filter((tuple) => book.answerOf(tuple) === undefined);
  }

  async recallOf(operator: Operator): Promise<Recall | undefined> {
    if (operator.seed !== undefined) return undefined;
    return Recall.of(await this.#at(operator, this.#statement.stop), operator, this.#settings);
  }

  countSettled(recall: Recall, hits: Hits, asked: KnownAnswer['asked']): void {
    recall.note(hits, asked);
    this.#countTo(this.#asked + hits.count);
  }

  async #ask(
    book: AnswerBook,
    asked: readonly Tuple[],
    {
      progress,
      onlyStored,
      given,
    }: {
      readonly progress?: AskProgress;
      readonly onlyStored?: true;
      readonly given?: Window | undefined;
    },
  ): Promise<void> {
    if (asked.length === 0 || this.#statement.stop.drained !== undefined) return;
    const { operator } = book;
    const questions = asked.map((tuple) => asAsked(operator, tuple));
    if (operator.seed !== undefined) {
      if (onlyStored === undefined) await this.#askSeeds(book, questions);
      return;
    }
    const { stop } = this.#statement;
    const { strategy, parallel, batch: rows, timeoutMs, cache, onError } = this.#settings;
    if (progress !== undefined && (strategy === 'static' || strategy === 'union_all')) {
      throw new RvbbitError(
        'RVB_UNSUPPORTED',
        `strategy ${strategy} asks about rows out of their order, so that a LIMIT could stop nothing; leave it out, or the LIMIT`,
        { stage: 'bind' },
      );
    }
    const batchStop = new StatementSignal([stop.signal]);
    const offDrain = stop.onDrain(() => batchStop.drain(stop.drained ?? 'interrupted'));
    // Workers refuse calls of a cancelled statement. A batch that may be cancelled early therefore has a statement id
    // of its own.
    const id = progress === undefined ? this.#statement.id : nextStatementId();
    const compared = progress === undefined ? comparedPairs(book, questions) : undefined;
    if (compared !== undefined) this.compared.set(operator, compared);
    const batch = { ...(await this.#at(operator, batchStop)), id };
    const recall = Recall.of(batch, operator, this.#settings);
    // Questions that are asked in order also look for stored answers in order: an answer that is not needed then counts
    // as no hit.
    const tuples =
      recall === undefined || progress !== undefined
        ? questions
        : await recall.settle(questions, (tuple, value) =>
            book.answer(tuple, convertedValue(book, value)),
          );
    const first = this.#asked + questions.length - tuples.length;
    this.#countTo(onlyStored === undefined ? first + tuples.length : first);
    let answered = 0;
    let notRun = 0;
    let isEnough = false;
    const window =
      given ?? new Window(openRuns(parallel, rows), progress?.lookAhead ?? (() => WINDOW_MAX_RUNS));
    const sink = {
      write: (pieces: readonly Piece[]) => {
        for (const piece of pieces) {
          this.#enter(book, tuples, piece);
          notRun += piece.notRun?.length ?? 0;
          window.release(piece.values.length);
          for (const end = piece.firstOrdinal + piece.values.length; answered < end; answered++) {
            if (!isEnough && progress?.enough(answered) === true) isEnough = true;
          }
        }
        if (isEnough) batchStop.abandon();
      },
    };
    try {
      await executeRuns(batch, {
        settings: { kind: 'map', timeoutMs, keepOutputs: false },
        calls: {
          budget: {},
          cache,
          dedupe: operator.deterministic,
          ...(rows === undefined ? {} : { batch: rows }),
          ...(onlyStored === undefined ? {} : { onlyStored }),
        },
        inputs: this.#inputsOf(operator, tuples, first),
        strategy,
        parallel,
        failFast: onError.kind === 'fail',
        window,
        sink,
        advisories: this.advisories,
        budget: this.#budget,
        convert: (value) => checkedValue(operator, value),
        ...(recall === undefined || cache === false
          ? {}
          : { callsNamed: (piece, calls) => this.#noteGiven(recall, book, tuples, piece, calls) }),
        ...(progress === undefined ? {} : { chunkRuns: 1 }),
      });
    } catch (thrown) {
      if (!isEnough || stop.signal.aborted) throw thrown;
    } finally {
      offDrain();
      batchStop.dispose();
      if (batchStop.drained !== undefined) stop.drain(batchStop.drained);
      if (isEnough) this.#countTo(first + answered);
      else if (onlyStored === true) this.#countTo(first + answered - notRun);
    }
  }

  #noteGiven(
    recall: Recall,
    book: AnswerBook,
    tuples: readonly Tuple[],
    { firstOrdinal, values, failures }: Piece,
    { callKeys, ...asked }: LookUp,
  ): void {
    const failed = new Set(failures.map(({ index }) => index));
    for (const [index, value] of values.entries()) {
      const callKey = callKeys[index] ?? '';
      if (callKey === '' || failed.has(index)) continue;
      this.#given.push({
        recall,
        book,
        tuple: tuples[firstOrdinal + index]!,
        callKey,
        value,
        asked,
      });
    }
  }

  async settleGiven(): Promise<ReadonlyMap<AnswerBook, readonly Tuple[]>> {
    const given = this.#given.splice(0);
    const { journal } = this.#statement.desk;
    if (given.length > 0) await journal.commit();
    const settled = new Map<AnswerBook, Tuple[]>();
    // If an answer was replaced meanwhile, a stored text may not be the one that a run made its value from.
    const isSure = journal.answers.changes === this.#changes;
    this.#changes = journal.answers.changes;
    if (!isSure) return settled;
    for (const one of given) {
      one.recall.keep(one);
      const tuples = settled.get(one.book) ?? [];
      settled.set(one.book, tuples);
      tuples.push(one.tuple);
    }
    return settled;
  }

  async #askSeeds(book: AnswerBook, tuples: readonly Tuple[]): Promise<void> {
    const { operator } = book;
    await askSeeds(book, tuples, {
      statement: await this.#at(operator, this.#statement.stop),
      settings: this.#settings,
      budget: this.#budget,
      advisories: this.advisories,
      shadowing: this.shadowing,
      count: (runs) => {
        const first = this.#asked;
        this.#countTo(first + runs);
        return first;
      },
    });
  }

  #countTo(asked: number): void {
    this.#asked = asked;
    const { ledger } = this.#statement;
    this.#before ??= ledger.figures;
    const { rows, runs } = this.#before;
    // Added to the figures of MAPs in the same statement.
    ledger.note({
      t: 'statement.read',
      rows: rows.in + asked,
      runs: runs + asked,
      deduped: rows.deduped,
    });
  }

  async #at(operator: Operator, stop: StatementSignal): Promise<StatementWithCascade> {
    if (!this.bound.has(operator)) {
      const { modelOverride } = this.#settings;
      const bound = this.#statement.models
        .bind(operator.cascade, modelOverride)
        .catch((thrown: unknown) => {
          if (!(thrown instanceof RvbbitError) || thrown.code !== 'RVB_NO_MODEL') throw thrown;
          // Do not throw yet: a plain rule may answer all questions, without a model.
          this.#unbound.set(operator, thrown);
          return undefined;
        });
      const models = await bound;
      this.bound.set(operator, models);
      // A thread starts, and loads what calls need, while it is found out what is asked.
      if (models !== undefined) {
        this.#statement.dispatcher.warm(Object.values(models.settings.targets));
      }
    }
    const models = this.bound.get(operator);
    return {
      ...this.#statement,
      stop,
      cascade: operator.cascade,
      ...(models === undefined ? {} : { boundModels: models }),
    };
  }

  #enter(book: AnswerBook, tuples: readonly Tuple[], piece: Piece): void {
    const noModel = this.#unbound.get(book.operator);
    const needsModel = piece.failures.some(({ code }) => code === 'RVB_NO_MODEL');
    if (noModel !== undefined && needsModel) throw noModel;
    const failed = new Set(piece.failures.map(({ index }) => index));
    const notRun = new Set(piece.notRun);
    for (const [index, text] of piece.values.entries()) {
      if (notRun.has(index)) continue;
      if (failed.has(index)) book.failed += 1;
      const tuple = tuples[piece.firstOrdinal + index]!;
      book.answer(
        tuple,
        failed.has(index)
          ? fallbackAnswer(book.operator, this.#settings)
          : convertedValue(book, text),
      );
    }
  }

  #inputsOf(operator: Operator, tuples: readonly Tuple[], firstRow: number): RunInputs {
    const names = operator.args.map(({ name }) => name);
    const width = tuples[0]?.length ?? 0;
    return {
      runCount: tuples.length,
      read: async (firstRun, count) => {
        const columns: Record<string, readonly Json[]> = {};
        for (let column = 0; column < width; column++) {
          columns[names[column]!] = tuples
            .slice(firstRun, firstRun + count)
            .map((tuple) => argumentInput(operator, column, tuple[column]!));
        }
        return { columns };
      },
      rowsOf: async (run) => [firstRow + run],
    };
  }
}

/** Groups the questions by their number of arguments. */
function byWidth(tuples: readonly Tuple[]): readonly (readonly Tuple[])[] {
  const widths = new Set(tuples.map(({ length }) => length));
  return [...widths].map((width) => tuples.filter(({ length }) => length === width));
}

/** The answer for a value that was checked before; null for a value that is none of the operator's type. */
function convertedValue({ operator }: AnswerBook, text: string | null): Answer {
  const given = answerValue(operator, text);
  return 'value' in given ? given.value : null;
}
