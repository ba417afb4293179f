/** Foresees questions of a semantic statement: each is a run of its operator's cascade. */
import type { ForeseenRun } from '../../workers/foresee-run.ts';
import type { StatementScope } from '../execute/statement-env.ts';
import type { Json } from '../json.ts';
import type { BoundModels, Models } from '../model/models.ts';
import type { Operator } from '../operators/operator.ts';
import type { Answer, Tuple } from '../semantic/answer-book.ts';
import { answerValue } from '../semantic/answer-value.ts';
import { argumentOf } from '../semantic/ask.ts';
import type { SemanticSettings } from '../semantic/semantic-settings.ts';
import { Foreseer } from './foreseer.ts';

/** What is known of a question before it is asked. */
export interface ForeseenQuestion {
  readonly run: ForeseenRun;
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
      const run = await foreseer.foresee(this.#inputOf(operator, tuple));
      question = { run, ...answerOf(operator, run) };
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

  #inputOf(operator: Operator, tuple: Tuple): Record<string, Json> {
    return Object.fromEntries(
      tuple.map((_, column) => [
        operator.args[column]!.name,
        argumentOf(tuple, column, this.#settings),
      ]),
    );
  }
}

function answerOf(operator: Operator, { value }: ForeseenRun): Pick<ForeseenQuestion, 'answer'> {
  if (value === undefined) return {};
  const given = answerValue(operator, value);
  return { answer: 'value' in given ? given.value : null };
}
