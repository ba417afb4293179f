/** The parts of a statement and of its engine call that planning needs. */
import type { Parameters, Session } from '../duck/session.ts';
import type { Models } from '../model/models.ts';
import type { StatementSignal } from '../util/statement-signal.ts';

export interface PlanContext {
  readonly session: Session;
  readonly parameters: Parameters | undefined;
  readonly stop: StatementSignal;
  /** The text that contains the statement. The statement's spans refer to this text. */
  readonly source: string;
  /** Returns the folders of the cascades, in the order in which a file is looked for. */
  readonly cascadeRoots: () => Promise<readonly string[]>;
  readonly models: Models;
  /** PARALLEL for a statement that does not set it, by engine option or flag; undefined: the default of its kind. */
  readonly defaultParallel: number | undefined;
  /** The number of the engine's worker threads. */
  readonly threads: number;
  /** The value of PARALLEL that overrides the statement's text. */
  readonly resumeParallel?: number;
}
