/** A statement from its first record to its last: the call that it stands in, what it works with, how it is stopped. */
import type { Budget } from '../calls/budget.ts';
import type { CallDesk } from '../calls/call-desk.ts';
import type { Cascade } from '../cascade/cascade.ts';
import type { Experience } from '../journal/experience/experience.ts';
import type { Ledger } from '../journal/ledger.ts';
import type { BoundModels } from '../model/models.ts';
import type { PlanContext } from '../plan/plan-context.ts';
import type { ValueForm } from '../result.ts';
import type { Dispatcher } from './dispatcher.ts';

/** What holds for all statements of one call of the engine. */
export interface StatementCall
  extends Pick<
    PlanContext,
    | 'source'
    | 'parameters'
    | 'cascadeRoot'
    | 'models'
    | 'defaultParallel'
    | 'threads'
    | 'resumeParallel'
  > {
  /** Who called, as the journal records it: `api`, `cli`, or what the caller named. */
  readonly origin: string;
  readonly valueForm: ValueForm;
  /** The file that the caller writes the rows to. */
  readonly output: string | undefined;
  /** What earlier calls and answers were like. */
  readonly experience: Experience;
  /** Where earlier processes have left records; those since `openedUs` are in `experience`. */
  readonly stateDir?: string;
  readonly openedUs: number;
  /** The session of the statement that this one takes up again. */
  readonly resumes?: string;
}

/** One statement of a call. */
export interface Statement extends StatementCall, PlanContext {
  /** Unique in the process: names temp tables and addresses cancels. */
  readonly id: number;
  readonly dispatcher: Dispatcher;
  /** What all parts of a statement may spend together, where it has several. */
  readonly budget?: Budget | undefined;
  readonly desk: CallDesk;
  readonly ledger: Ledger;
}

/** A statement at a cascade that it runs: MAP and RUN have one, semantic SQL has one for each operator. */
export interface StatementWithCascade extends Statement {
  readonly cascade: Cascade;
  /** The models that the cascade's cells ask; absent where no cell asks one. */
  readonly boundModels?: BoundModels;
}
