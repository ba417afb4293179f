/** What planning needs of a statement and of the call that it stands in. */
import type { Parameters, Session } from '../duck/session.ts';
import type { Models } from '../model/models.ts';
import type { StatementSignal } from '../util/statement-signal.ts';

export interface PlanContext {
  readonly session: Session;
  readonly parameters: Parameters | undefined;
  readonly stop: StatementSignal;
  /** The text that the statement stands in, and that its spans count in. */
  readonly source: string;
  /** The folder that cascades lie in. */
  readonly cascadeRoot: string;
  readonly models: Models;
  /** PARALLEL where the statement does not say it. */
  readonly defaultParallel: number;
  /** Worker threads of the engine. */
  readonly threads: number;
  /** PARALLEL, over what the statement's text says. */
  readonly resumeParallel?: number;
}
