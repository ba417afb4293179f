/** Foresees the runs of one cascade for a statement, with the stored answers that the statement may use. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AnswerPolicy } from '../../calls/answer-policy.ts';
import type { Cascade } from '../../cascade/cascade.ts';
import { policyOf } from '../../execute/begin-calls.ts';
import type { Statement } from '../../execute/statement.ts';
import type { BoundModels } from '../../model/models.ts';
import type { CallPlan } from '../../plan/plan.ts';
import { compileCascade } from '../../run/compile-cascade.ts';
import type { RunSettings } from '../../run/contract.ts';
import type { CascadeProgram } from '../../run/program.ts';
import type { JsonObject } from '../../util/json.ts';
import { reasonOf } from '../../util/statement-signal.ts';
import { EXPLAIN_TURN_MS } from '../explain-limits.ts';
import { foreseeRun } from './foresee-run.ts';
import type { ForeseenRun } from './foreseen.ts';

/** The parts on which a cascade's runs depend. */
export interface ForeseenCascade {
  readonly cascade: Cascade;
  readonly models: BoundModels | undefined;
  readonly kind: RunSettings['kind'];
  readonly calls: Pick<CallPlan, 'cache' | 'dedupe' | 'batch'>;
}

export class Foreseer {
  readonly policy: AnswerPolicy;
  readonly #statement: Statement;
  readonly #program: CascadeProgram;
  readonly #settings: RunSettings;
  #turnMs = performance.now();

  constructor(statement: Statement, { cascade, models, kind, calls }: ForeseenCascade) {
    this.#statement = statement;
    this.policy = policyOf({ ...statement, cascade }, calls);
    this.#program = compileCascade(cascade);
    this.#settings = {
      kind,
      timeoutMs: 0,
      keepOutputs: false,
      ...(calls.batch === undefined ? {} : { batches: true }),
      ...(models === undefined ? {} : { models: models.settings }),
    };
  }

  /** Foresees one run. If many runs are foreseen one after another, other statements may go on in between. */
  async foresee(input: JsonObject): Promise<ForeseenRun> {
    if (performance.now() - this.#turnMs > EXPLAIN_TURN_MS) {
      await nextTurn();
      this.#turnMs = performance.now();
    }
    const { stop, desk } = this.#statement;
    if (stop.signal.aborted) throw reasonOf(stop.signal);
    const { notBefore } = this.policy;
    return foreseeRun(this.#program, input, {
      settings: this.#settings,
      find: (callKey) => desk.journal.answers.find(callKey, notBefore)?.text,
    });
  }
}
