/**
 * The messages between the main thread and a worker: plain JSON values, nothing thrown, no classes. Only a worker's
 * first message also has a port and shared memory. A chunk's task travels packed, see `packed-task.ts`.
 */
import type { MessagePort } from 'node:worker_threads';
import type { Cascade } from '../src/cascade/cascade.ts';
import type { Failure } from '../src/errors.ts';
import type { ChatOutcome, ChatRequest, ModelTarget } from '../src/model/chat.ts';
import type {
  AdvisoryReport,
  CallDecision,
  CallRequest,
  EndedAttempt,
  LookUp,
  RunSettings,
  SqlCellOutcome,
  SqlCellQuery,
} from '../src/run/contract.ts';
import type { Json, JsonObject } from '../src/util/json.ts';

/** Runs for a worker, with their inputs column by column: `columns[name][i]` belongs to the chunk's row i. */
export interface ChunkTask {
  /** Unique in the process. */
  readonly taskId: number;
  /** The id that a cancel names: it stands for the statement, or for one batch of its questions (`Asker`). */
  readonly statementId: number;
  /** Ordinal of the chunk's first run within its statement. */
  readonly firstOrdinal: number;
  readonly rowCount: number;
  readonly columns: Readonly<Record<string, readonly Json[]>>;
  /** `Cascade.hash`; a worker that does not have it asks for it over its link. */
  readonly cascadeHash: string;
  readonly settings: RunSettings;
}

/** The outcome of a chunk. `values[i]` is null for rows that failed or were skipped. */
export interface ChunkOutcome {
  readonly taskId: number;
  /** Text of each row's value by the value rule: a string is itself, null is null, anything else JSON text. */
  readonly values: readonly (string | null)[];
  /** Failed rows, by index in the chunk. */
  readonly failures: readonly {
    readonly index: number;
    readonly error: Failure;
    readonly attempts: number;
  }[];
  /** Rows that a `when` left without a value, by index in the chunk. */
  readonly skipped: readonly number[];
  /** For each row: its outputs by cell, and in `results` its value before the value rule. Absent if the settings keep none. */
  readonly outputs?: readonly JsonObject[];
  readonly results?: readonly Json[];
  /** The refusals of advisory wards in the chunk's runs. */
  readonly advisories?: AdvisoryReport;
  /** The ended model calls that were not yet reported to the main thread. */
  readonly attempts?: readonly EndedAttempt[];
  /** Calls that were not made, because answers that had been looked up ahead were used instead. */
  readonly answersUsed?: LookUp;
  /** Present if the settings want it: the key of each run's only call; '' for a run with no call, or with several. */
  readonly calls?: LookUp;
  /** Time spent on the rows inside the worker. */
  readonly durationMs: number;
  /** The chunk took too long. Its rows after `values.length` have not begun, and are for other tasks. */
  readonly givesBack?: true;
  /** An answer of the run after `values.length` comes with a batch. The run begins again when it has come. */
  readonly isLater?: true;
  /**
   * True if the statement was cancelled before the chunk was done. The rows after `values.length` were not run, as
   * after a drain or after a failure that ends the statement.
   */
  readonly cancelled: boolean;
}

/** A worker's first message, on Piscina's channel. It brings the worker's link and beacon. */
export interface WorkerHello {
  readonly kind: 'rvbbit.hello';
  readonly threadId: number;
  readonly port: MessagePort;
  readonly beacon: SharedArrayBuffer;
}

/**
 * What a worker says to the main thread on its link. All that is said in one turn of the event loop goes as one array,
 * because each message wakes the other thread. So it is with `WorkerMessage`.
 */
export type WorkerRequest =
  | { readonly kind: 'cascade'; readonly id: number; readonly hash: string }
  | {
      readonly kind: 'sql';
      readonly id: number;
      readonly statementId: number;
      readonly query: SqlCellQuery;
    }
  /** A question to the embedding program's own model function. */
  | {
      readonly kind: 'chat';
      readonly id: number;
      readonly statementId: number;
      readonly request: ChatRequest;
      readonly timeoutMs: number;
    }
  /** Model calls of a statement that ended before their chunk. */
  | {
      readonly kind: 'ended';
      readonly statementId: number;
      readonly ended: readonly EndedAttempt[];
    }
  /** A model call that wants to go out and needs a decision. */
  | {
      readonly kind: 'call';
      readonly id: number;
      readonly statementId: number;
      readonly request: CallRequest;
    }
  /** The outcome of a chunk that was sent together with others. */
  | { readonly kind: 'outcome'; readonly outcome: ChunkOutcome }
  /** Asks which of these calls have a stored answer. */
  | {
      readonly kind: 'find';
      readonly id: number;
      readonly statementId: number;
      readonly lookUp: LookUp;
    };

/** What the main thread says to a worker on its link. */
export type WorkerMessage =
  | { readonly kind: 'cascade'; readonly id: number; readonly cascade: Cascade | null }
  | { readonly kind: 'sql'; readonly id: number; readonly outcome: SqlCellOutcome }
  | { readonly kind: 'chat'; readonly id: number; readonly outcome: ChatOutcome }
  | { readonly kind: 'find'; readonly id: number; readonly texts: readonly (string | null)[] }
  | {
      readonly kind: 'decision';
      readonly id: number;
      readonly statementId: number;
      readonly decision: CallDecision;
    }
  /** Load what calls to the target need. */
  | { readonly kind: 'warm'; readonly target: ModelTarget }
  /** The main thread's first message: how many connections the worker may have open (`SocketShare`). */
  | { readonly kind: 'sockets'; readonly share: SharedArrayBuffer }
  | { readonly kind: 'cancel'; readonly statementId: number }
  /** No further row of the statement is to start. */
  | { readonly kind: 'drain'; readonly statementId: number };
