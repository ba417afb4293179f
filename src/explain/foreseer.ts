/** Foresees the runs of one cascade for a statement: against the answers that it may use. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { compileCascade } from '../../workers/compile-cascade.ts';
import { foreseeRun } from '../../workers/foresee/foresee-run.ts';
import type { ForeseenRun } from '../../workers/foresee/foreseen.ts';
import type { CascadeProgram } from '../../workers/program.ts';
import type { RunSettings } from '../../workers/protocol.ts';
import type { Cascade } from '../cascade/cascade.ts';
import type { AnswerPolicy } from '../execute/calls/answer-policy.ts';
import { policyOf } from '../execute/calls/begin-calls.ts';
import { reasonOf } from '../execute/cancel.ts';
import type { StatementScope } from '../execute/statement-env.ts';
import type { JsonObject } from '../json.ts';
import type { BoundModels } from '../model/models.ts';
import type { CallPlan } from '../plan/plan.ts';
import { EXPLAIN_TURN_MS } from './explain-limits.ts';

/** What a cascade's runs depend on. */
export interface ForeseenCascade {
  readonly cascade: Cascade;
  readonly models: BoundModels | undefined;
  readonly kind: RunSettings['kind'];
  readonly calls: Pick<CallPlan, 'cache' | 'dedupe'>;
}

export class Foreseer {
  readonly policy: AnswerPolicy;
  readonly #scope: StatementScope;
  readonly #program: CascadeProgram;
  readonly #settings: RunSettings;
  #turnMs = performance.now();

  constructor(scope: StatementScope, { cascade, models, kind, calls }: ForeseenCascade) {
    this.#scope = scope;
    this.policy = policyOf({ ...scope, cascade }, calls);
    this.#program = compileCascade(cascade);
    this.#settings = {
      kind,
      timeoutMs: 0,
      keepOutputs: false,
      ...(models === undefined ? {} : { models: models.settings }),
    };
  }

  /** Foresees one run. Gives way to other statements where many are foreseen in a row. */
  async foresee(input: JsonObject): Promise<ForeseenRun> {
    if (performance.now() - this.#turnMs > EXPLAIN_TURN_MS) {
      await nextTurn();
      this.#turnMs = performance.now();
    }
    const { stop, desk } = this.#scope;
    if (stop.signal.aborted) throw reasonOf(stop.signal);
    const { notBefore } = this.policy;
    return foreseeRun(this.#program, input, {
      settings: this.#settings,
      find: (callKey) => desk.journal.answers.find(callKey, notBefore)?.text,
    });
  }
}
