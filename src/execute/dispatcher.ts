/** Sends chunks to workers. The lanes know only this interface, so that a queue over many hosts fits behind it too. */

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

/** The result of sending a chunk to a worker. */
export type DispatchResult = { readonly kind: 'done'; readonly outcome: ChunkOutcome } | LostChunk;

/** The worker died while it held the chunk, or the chunk was given up. None of its outcomes arrived. */
export interface LostChunk {
  readonly kind: 'lost';
  readonly reason: string;
  /** The same for all chunks that were lost by the death of one worker. */
  readonly deathId: number;
  /** False if the worker died before it began the chunk, e.g. at its start. */
  readonly begun?: boolean;
  /** Index of the row that the worker was running when it died; absent if unknown. */
  readonly suspect?: number;
  /** The worker was ended because it made no progress for longer than this limit. */
  readonly overstayedMs?: number;
  /** No worker died: the chunk was given up because no answer came within this time. */
  readonly unansweredMs?: number;
}

/** Answers the requests that workers make on behalf of a statement. */
export interface StatementHost {
  readonly statementId: number;
  readonly cascade: Cascade;
  runSql(query: SqlCellQuery): Promise<SqlCellOutcome>;
  /** Asks the embedding program's model function. The function's signal aborts when the time is up. Never rejects. */
  chat(request: ChatRequest, timeoutMs: number): Promise<ChatOutcome>;
  /** Decides on a model call that a worker wants to make. Never rejects. */
  decide(threadId: number, request: CallRequest): CallDecision | Promise<CallDecision>;
  /**
   * True while calls of the statement wait for a permit, or runs wait for the rows of a `for_each_row` cell.
   * Meanwhile the time limit for the answers of its chunks stands still.
   */
  waitsForPermit(): boolean;
  /** Returns the stored answer for each call that is about to be made; null for a call without one. */
  find(lookUp: LookUp): readonly (string | null)[];
  /**
   * Hands the start records of calls to the operating system, right before the calls go out. Returns the failure for
   * which the calls may not go out, if any.
   */
  writeStarts(): Failure | undefined;
  /** Settles calls that have ended, which may be reported ahead of their chunk. */
  attemptsEnded(ended: readonly EndedAttempt[]): void;
  /** A worker has died, and its in-flight calls are lost. */
  threadLost(threadId: number): void;
}

export interface Dispatcher {
  /** Resolves when workers run. Throws RVB_WORKER_BOOT if they do not start. */
  ready(): Promise<void>;
  /** Starts a worker, or several, without waiting for them. Others start as they are needed. A failure shows with the first chunk. */
  start(threads?: number): void;
  /** Starts a worker and loads what the calls of a statement need. A failure shows with the calls. */
  warm(targets: readonly ModelTarget[]): void;
  /** From this call until `closeStatement`, the statement's chunks may be dispatched. */
  openStatement(host: StatementHost): void;
  closeStatement(statementId: number): void;
  /**
   * Runs a chunk. A worker's death never rejects. Throws RVB_WORKER_BOOT if no worker can be started. `alone`: the
   * worker runs no other chunk meanwhile, so that its death has only one suspect.
   */
  dispatch(task: ChunkTask, options: { readonly alone: boolean }): Promise<DispatchResult>;
  /** Tells the workers to stop the statement's rows; their chunks settle early. */
  cancelStatement(statementId: number): void;
  /** Tells the workers to start no further row of the statement; its chunks settle with the rows that have begun. */
  drainStatement(statementId: number): void;
  /** Ends the workers that cannot answer because a row of this statement blocks them. */
  endStuckWorkers(statementId: number): void;
  close(): Promise<void>;
}
