/**
 * Foresees the questions of a semantic statement. A question is one run of its operator's cascade, or asks for
 * several runs.
 */

import { RvbbitError } from '../../errors.ts';
import type { Statement } from '../../execute/statement.ts';
import type { BoundModels } from '../../model/models.ts';
import type { Operator } from '../../operators/operator.ts';
import { readSeedCall } from '../../operators/seed-call.ts';
import type { Answer, Tuple } from '../../semantic/ask/answer-book.ts';
import { answerValue } from '../../semantic/ask/answer-value.ts';
import { argumentInput } from '../../semantic/ask/argument-input.ts';
import { inputOf, rowsOf } from '../../semantic/ask/seed-runs.ts';
import type { SemanticSettings } from '../../semantic/read/semantic-settings.ts';
import type { JsonObject } from '../../util/json.ts';
import type { ForeseenRun } from '../foresee/foreseen.ts';
import { Foreseer } from '../foresee/foreseer.ts';

/** A run for which a question asks. */
export interface ForeseenInput {
  /** Equal for inputs that share one run. */
  readonly key: string;
  readonly run: ForeseenRun;
}

/** The known parts of a question before it is asked. */
export interface ForeseenQuestion {
  readonly runs: readonly ForeseenInput[];
  /** The answer; absent if something that it needs is not known. */
  readonly answer?: Answer;
}

interface OperatorForesight {
  readonly foreseer: Foreseer;
  readonly models: BoundModels | undefined;
  /** The error that says why there are no models. */
  readonly noModel: RvbbitError | undefined;
  readonly questions: Map<string, ForeseenQuestion>;
}

/** The trials of one statement share this object, so that each question is foreseen once. */
export class QuestionForesight {
  readonly #statement: Statement;
  readonly #settings: SemanticSettings;
  readonly #operators = new Map<Operator, OperatorForesight>();

  constructor(statement: Statement, settings: SemanticSettings) {
    this.#statement = statement;
    this.#settings = settings;
  }

  async foresee(operator: Operator, tuple: Tuple): Promise<ForeseenQuestion> {
    const { foreseer, questions, noModel } = await this.#of(operator);
    const key = JSON.stringify(tuple);
    let question = questions.get(key);
    if (question === undefined) {
      const runs: ForeseenInput[] = [];
      for (const input of this.#inputsOf(operator, tuple)) {
        const run = await foreseer.foresee(input);
        if (run.lacksModel && noModel !== undefined) throw noModel;
        runs.push({ key: JSON.stringify(input), run });
      }
      question = { runs, ...answerOf(operator, runs) };
      questions.set(key, question);
    }
    return question;
  }

  /** Whether equal calls of the operator are made once. */
  async reuses(operator: Operator): Promise<boolean> {
    return (await this.#of(operator)).foreseer.policy.reuseOwn;
  }

  async modelsOf(operator: Operator): Promise<BoundModels | undefined> {
    return (await this.#of(operator)).models;
  }

  async #of(operator: Operator): Promise<OperatorForesight> {
    let known = this.#operators.get(operator);
    if (known === undefined) {
      const { cascade, deterministic } = operator;
      const { modelOverride, cache } = this.#settings;
      let noModel: RvbbitError | undefined;
      const models = await this.#statement.models
        .bind(cascade, modelOverride)
        .catch((thrown: unknown) => {
          if (!(thrown instanceof RvbbitError) || thrown.code !== 'RVB_NO_MODEL') throw thrown;
          // No error yet: a plain rule may answer all questions.
          noModel = thrown;
          return undefined;
        });
      const calls = { cache, dedupe: deterministic };
      const foreseer = new Foreseer(this.#statement, { cascade, models, kind: 'map', calls });
      known = { foreseer, models, noModel, questions: new Map() };
      this.#operators.set(operator, known);
    }
    return known;
  }

  /**
   * Returns the inputs of the runs for which a question asks. A call that gives a cascade its rows asks for one run
   * per row; a call over a table asks for one run. Throws if the call is wrong.
   */
  #inputsOf(operator: Operator, tuple: Tuple): readonly JsonObject[] {
    if (operator.seed === undefined) {
      const names = operator.args.map(({ name }) => name);
      const inputs = tuple.map((value, index) => argumentInput(operator, index, value));
      return [Object.fromEntries(inputs.map((input, index) => [names[index]!, input]))];
    }
    const call = readSeedCall(operator.seed, tuple);
    if (call?.kind !== 'batch') return rowsOf(call).map((row) => inputOf(operator, row));
    const columns = call.columns.map(({ name }) => name);
    return [{ data_table: call.table, row_count: call.rows.length, columns }];
  }
}

function answerOf(
  operator: Operator,
  runs: readonly ForeseenInput[],
): Pick<ForeseenQuestion, 'answer'> {
  const value = runs[0]?.run.value;
  const isValue = operator.seed === undefined || operator.seed === 'rvbbit_run';
  if (value === undefined || !isValue) return {};
  const given = answerValue(operator, value);
  return { answer: 'value' in given ? given.value : null };
}
