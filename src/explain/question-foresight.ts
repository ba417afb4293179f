/** Foresees questions of a semantic statement: each is a run of its operator's cascade, or those that its rows are. */
import type { ForeseenRun } from '../../workers/foresee-run.ts';
import type { StatementScope } from '../execute/statement-env.ts';
import type { Json, JsonObject } from '../json.ts';
import type { BoundModels, Models } from '../model/models.ts';
import type { Operator } from '../operators/operator.ts';
import { readSeedCall } from '../operators/seed-call.ts';
import type { Answer, Tuple } from '../semantic/answer-book.ts';
import { answerValue } from '../semantic/answer-value.ts';
import { argumentOf } from '../semantic/ask.ts';
import { inputOf, rowsOf } from '../semantic/seed-runs.ts';
import type { SemanticSettings } from '../semantic/semantic-settings.ts';
import { Foreseer } from './foreseer.ts';

/** What is known of a question before it is asked. */
export interface ForeseenQuestion {
  readonly runs: readonly ForeseenRun[];
  /** The answer, where all that it takes is at hand. */
  readonly answer?: Answer;
}

interface OperatorForesight {
  readonly foreseer: Foreseer;
  readonly models: BoundModels | undefined;
  readonly questions: Map<string, ForeseenQuestion>;
}

/** Shared by the trials of one statement: a question is foreseen once. */
export class QuestionForesight {
  readonly #scope: StatementScope;
  readonly #models: Models;
  readonly #settings: SemanticSettings;
  readonly #operators = new Map<Operator, OperatorForesight>();

  constructor(scope: StatementScope, models: Models, settings: SemanticSettings) {
    this.#scope = scope;
    this.#models = models;
    this.#settings = settings;
  }

  async foresee(operator: Operator, tuple: Tuple): Promise<ForeseenQuestion> {
    const { foreseer, questions } = await this.#of(operator);
    const key = JSON.stringify(tuple);
    let question = questions.get(key);
    if (question === undefined) {
      const runs: ForeseenRun[] = [];
      for (const input of this.#inputsOf(operator, tuple)) runs.push(await foreseer.foresee(input));
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
      const { model, cache } = this.#settings;
      const models = await this.#models.bind(cascade, {
        parameters: {},
        ...(model === undefined ? {} : { model }),
      });
      const calls = { cache, dedupe: deterministic };
      const foreseer = new Foreseer(this.#scope, { cascade, models, kind: 'map', calls });
      known = { foreseer, models, questions: new Map() };
      this.#operators.set(operator, known);
    }
    return known;
  }

  #inputsOf(operator: Operator, tuple: Tuple): readonly JsonObject[] {
    const { seed, args } = operator;
    if (seed === undefined) {
      const argument = (column: number): Json => argumentOf(tuple, column, this.#settings);
      return [Object.fromEntries(tuple.map((_, column) => [args[column]!.name, argument(column)]))];
    }
    const call = readSeedCall(seed, tuple);
    if (call?.kind !== 'batch') return rowsOf(call).map((row) => inputOf(operator, row));
    const columns = call.columns.map(({ name }) => name);
    return [{ data_table: call.table, row_count: call.rows.length, columns }];
  }
}

function answerOf(
  operator: Operator,
  [run, ...more]: readonly ForeseenRun[],
): Pick<ForeseenQuestion, 'answer'> {
  // A list of values, or the account of a run over a table, is more than one run's value.
  const isOne = operator.returns !== 'JSON' || operator.seed === undefined;
  if (run?.value === undefined || more.length > 0 || !isOne) return {};
  const given = answerValue(operator, run.value);
  return { answer: 'value' in given ? given.value : null };
}
