/** What the execution of one statement works with. */
import type { Cascade } from '../cascade/cascade.ts';
import type { Parameters, Session } from '../duck/session.ts';
import type { Ledger } from '../journal/ledger.ts';
import type { BoundModels } from '../model/models.ts';
import type { CallDesk } from './calls/call-desk.ts';
import type { StatementSignal } from './cancel.ts';
import type { Dispatcher } from './dispatcher.ts';

/** What every statement has, from its first record to its last. */
export interface StatementScope {
  /** Unique in the process: names temp tables and addresses cancels. */
  readonly id: number;
  readonly session: Session;
  readonly dispatcher: Dispatcher;
  readonly desk: CallDesk;
  readonly parameters: Parameters | undefined;
  /** The file that the caller writes the rows to. */
  readonly output: string | undefined;
  readonly stop: StatementSignal;
  readonly ledger: Ledger;
}

/** What a statement that runs a cascade has besides. */
export interface StatementEnv extends StatementScope {
  readonly cascade: Cascade;
  /** Absent where no cell asks a model. */
  readonly models?: BoundModels;
}
