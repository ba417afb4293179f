/** Where chunks go to be run. The lanes know this much and no more: a queue over many hosts fits behind it too. */

import type { ChunkOutcome, ChunkTask } from '../../workers/protocol.ts';
import type { Cascade } from '../cascade/cascade.ts';
import type { Failure } from '../errors.ts';
import type { ChatOutcome, ChatRequest, ModelTarget } from '../model/chat.ts';
import type {
  CallDecision,
  CallRequest,
  EndedAttempt,
  LookUp,
  SqlCellOutcome,
  SqlCellQuery,
} from '../run/contract.ts';

/** What came of sending a chunk out. */
export type DispatchResult = { readonly kind: 'done'; readonly outcome: ChunkOutcome } | LostChunk;

/** The worker died under the chunk, or it was given up; none of its outcomes arrived. */
export interface LostChunk {
  readonly kind: 'lost';
  readonly reason: string;
  /** The same for every chunk that one worker's death took. */
  readonly deathId: number;
  /** False where the worker died before it came to the chunk, e.g. at its start. */
  readonly begun?: boolean;
  /** Index of the row that the worker was running at that moment, where that is known. */
  readonly suspect?: number;
  /** The worker was ended because that row overstayed this limit. */
  readonly overstayedMs?: number;
  /** No worker died: no answer came within this time, and the chunk was given up. */
  readonly unansweredMs?: number;
}

/** What the workers may ask for on behalf of a statement. */
export interface StatementHost {
  readonly statementId: number;
  readonly cascade: Cascade;
  runSql(query: SqlCellQuery): Promise<SqlCellOutcome>;
  /** Asks the embedding program's model function; its signal aborts when the time is up. Never rejects. */
  chat(request: ChatRequest, timeoutMs: number): Promise<ChatOutcome>;
  /** Decides on a model call that a worker wants to make. Never rejects. */
  decide(threadId: number, request: CallRequest): CallDecision | Promise<CallDecision>;
  /** Calls wait for the limiter or the budget: their rows have all the time that this takes. */
  waitsForPermit(): boolean;
  /** The answers at hand for calls that are about to be made; null for those that have none. */
  find(lookUp: LookUp): readonly (string | null)[];
  /** Hands the records of calls that are about to go out to the system; what it gives is why they may not go. */
  writeStarts(): Failure | undefined;
  /** Takes the account of calls that have ended ahead of their chunk. */
  attemptsEnded(ended: readonly EndedAttempt[]): void;
  /** A worker has died, and with it the calls that it had out. */
  threadLost(threadId: number): void;
}

export interface Dispatcher {
  /** Makes sure that workers run; throws RVB_WORKER_BOOT where they do not start. */
  ready(): Promise<void>;
  /** Starts the workers, and does not wait for them; what fails shows with the first chunk. */
  start(): void;
  /** Starts the workers and has connections opened ahead of a statement's calls; what fails shows with the calls. */
  warm(targets: readonly ModelTarget[], connections: number): void;
  /** From here to `closeStatement` the statement's chunks may be dispatched. */
  openStatement(host: StatementHost): void;
  closeStatement(statementId: number): void;
  /**
   * Runs a chunk. Never rejects for what happens to a worker; throws RVB_WORKER_BOOT where no worker
   * can be had. `alone` keeps every other chunk off the worker, so that a death has one suspect.
   */
  dispatch(task: ChunkTask, options: { readonly alone: boolean }): Promise<DispatchResult>;
  /** Tells the workers to stop the statement's rows; their chunks settle early. */
  cancelStatement(statementId: number): void;
  /** Tells the workers to start no further row of the statement; its chunks settle with the rows that have begun. */
  drainStatement(statementId: number): void;
  /** Ends the workers that a row of this statement keeps from answering. */
  endStuckWorkers(statementId: number): void;
  close(): Promise<void>;
}
