/** The data of a running statement: the engine call that it belongs to, the parts that it works with, and its stop signal. */
import type { Budget } from '../calls/budget.ts';
import type { CallDesk } from '../calls/call-desk.ts';
import type { Purse } from '../calls/purse.ts';
import type { Cascade } from '../cascade/cascade.ts';
import type { JobRunner } from '../jobs/job-runner.ts';
import type { Experience } from '../journal/experience/experience.ts';
import type { Ledger } from '../journal/ledger.ts';
import type { BoundModels } from '../model/models.ts';
import type { PlanContext } from '../plan/plan-context.ts';
import type { ValueForm } from '../result.ts';
import type { Dispatcher } from './dispatcher.ts';

/** The settings that all statements of one engine call share. */
export interface StatementCall
  extends Pick<
    PlanContext,
    | 'source'
    | 'parameters'
    | 'cascadeRoots'
    | 'models'
    | 'defaultParallel'
    | 'threads'
    | 'resumeParallel'
  > {
  /** The caller, as the journal records it: `api`, `cli`, or a name that the caller gave. */
  readonly origin: string;
  readonly valueForm: ValueForm;
  /** The most rows that a result of DuckDB is delivered with at once; without it, all are. */
  readonly rowsAtOnce?: number | undefined;
  /** The file that the caller writes the rows to. */
  readonly output: string | undefined;
  /** The statistics of earlier calls and answers. */
  readonly experience: Experience;
  /** The directory with the records of earlier processes. Records since `openedUs` are already in `experience`. */
  readonly stateDir?: string;
  readonly openedUs: number;
  /** What the caller may spend, in this statement and in others. */
  readonly purse?: Purse;
  /** Where a job keeps the names of its providers' batches; undefined for a statement that is no job. */
  readonly batchFolder?: string;
  /** The jobs of the engine; undefined without a state folder. */
  readonly jobs?: () => Promise<JobRunner>;
  /** The session of the earlier statement that this statement resumes. */
  readonly resumes?: string;
}

/** One statement of a call. */
export interface Statement extends StatementCall, PlanContext {
  /** Unique in the process: names temp tables and addresses cancels. */
  readonly id: number;
  readonly dispatcher: Dispatcher;
  /** The budget that all parts of the statement share, if it has several parts. */
  readonly budget?: Budget | undefined;
  readonly desk: CallDesk;
  readonly ledger: Ledger;
}

/** A statement together with one cascade that it runs. MAP and RUN have one cascade, semantic SQL has one per operator. */
export interface StatementWithCascade extends Statement {
  readonly cascade: Cascade;
  /** The models that the cascade's cells ask; absent if no cell asks a model. */
  readonly boundModels?: BoundModels;
}
