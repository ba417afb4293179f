/** What crosses between the main thread and a worker. Plain JSON values only: nothing thrown, no classes. */
import type { MessagePort } from 'node:worker_threads';
import type { Cascade } from '../src/cascade/cascade.ts';
import type { Failure } from '../src/errors.ts';
import type { Json, JsonObject } from '../src/json.ts';
import type {
  AttemptReport,
  ChatMessage,
  ChatOutcome,
  ChatRequest,
  ModelTarget,
  StatementModels,
} from '../src/model/chat.ts';

/** Rows for a worker, column by column: `columns[name][i]` belongs to the chunk's row i. */
export interface ChunkTask {
  /** Unique in the process. */
  readonly taskId: number;
  /** The statement that the chunk belongs to; the key of a cancel. */
  readonly statementId: number;
  /** Ordinal of the chunk's first run within its statement. */
  readonly firstOrdinal: number;
  readonly rowCount: number;
  readonly columns: Readonly<Record<string, readonly Json[]>>;
  /** `Cascade.hash`; a worker that does not have it asks for it over its link. */
  readonly cascadeHash: string;
  readonly settings: RunSettings;
}

/** The same for every chunk of a statement. */
export interface RunSettings {
  /** RUN hands `input.data_table` to SQL cells as an identifier; MAP has none. */
  readonly kind: 'map' | 'run';
  /** One run's deadline. */
  readonly timeoutMs: number;
  /** Attempts at a call that fails for a while, the first included; over those of the cells. */
  readonly maxAttempts?: number;
  /** No row of a chunk is started after one that has failed. */
  readonly endsAtFailure?: boolean;
  /** Tell the main thread what is asked. */
  readonly keepPrompts?: boolean;
  /** Keep each cell's output in the outcome (RUN, `rvbbit run`). */
  readonly keepOutputs: boolean;
  /** Where cells with instructions go; absent where no cell has any. */
  readonly models?: StatementModels;
}

/** What came of one run of a cascade. */
export type RunOutcome = {
  readonly outputs?: JsonObject;
  /** What advisory wards refused; absent where they refused nothing. */
  readonly advisories?: readonly Advisory[];
} & (
  | { readonly kind: 'ok'; readonly value: Json }
  /** A `when` left no value. */
  | { readonly kind: 'skipped' }
  | {
      readonly kind: 'failed';
      readonly error: Failure;
      /** Attempts at what failed it: a model call, a cell that is retried, one that a ward refused. 1 where none was retried. */
      readonly attempts: number;
    }
);

/** An advisory ward refused: the run went on. */
export interface Advisory {
  /** The cell, behind the cells that it is nested in, e.g. `price.ask`. */
  readonly cell: string;
  readonly ward: string;
  readonly reason: string;
}

/** Advisories of several runs: how many, and the first of them. */
export interface AdvisoryReport {
  readonly count: number;
  readonly first: readonly Advisory[];
}

/** A model call that a run wants to make. The main thread alone decides whether and when it goes out. */
export interface CallRequest {
  readonly cell: string;
  /** 1 for a cell's first call; counts on over retries and re-asking. */
  readonly n: number;
  /** The provider's id; `function` for the embedding program's own. */
  readonly provider: string;
  readonly model: string;
  /** Hash of all that the answer depends on. */
  readonly callKey: string;
  /** What is left of the cell's time, or of the run's where that is less: it may wait for the answer of an equal call for so long. */
  readonly leftMs: number;
  /** Estimates, for limits and budgets. `outputTokens` is the cell's cap where it has one. */
  readonly inputTokens: number;
  readonly outputTokens?: number;
  /** What is asked, where the journal keeps it. */
  readonly prompt?: readonly ChatMessage[];
  /** An answer at hand turned out to be of no use: make the call. */
  readonly fresh?: boolean;
}

/** What the main thread says to it. */
export type CallDecision = {
  /** Part of the time spent waiting that counts against the row's: it waited for the answer of an equal call. */
  readonly followedMs?: number;
} & (
  | { readonly kind: 'go'; readonly attempt: string }
  /** The text of an earlier answer to the same call. */
  | { readonly kind: 'hit'; readonly text: string }
  | { readonly kind: 'refused'; readonly error: Failure }
);

/** A model call that went out and what came of it. */
export interface EndedAttempt {
  /** As the decision gave it. */
  readonly attempt: string;
  readonly report: AttemptReport;
}

/** What came of a chunk. `values[i]` is null for rows that failed or were skipped. */
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
  /** Outputs by cell and the value before the value rule, a row each, where the settings asked to keep them. */
  readonly outputs?: readonly JsonObject[];
  readonly results?: readonly Json[];
  /** What advisory wards refused in the chunk's runs. */
  readonly advisories?: AdvisoryReport;
  /** Model calls that ended and that the main thread has not been told of. */
  readonly attempts?: readonly EndedAttempt[];
  /** The thread that has told of others on its link, where they may still lie unread. */
  readonly endsToldBy?: number;
  /** Calls whose places were taken by answers that had been looked up ahead. */
  readonly answersUsed?: LookUp;
  /** Time spent on the rows inside the worker. */
  readonly durationMs: number;
  /** The rows have taken their time; those after `values.length` have not begun, and are for other tasks. */
  readonly givesBack?: true;
  /** The statement was cancelled before the chunk was done. The rows after `values.length` were not run, as after a drain or a failure that ends the statement. */
  readonly cancelled: boolean;
}

/** A worker's first word, on Piscina's channel: here is my link and my beacon. */
export interface WorkerHello {
  readonly kind: 'rvbbit.hello';
  readonly threadId: number;
  readonly port: MessagePort;
  readonly beacon: SharedArrayBuffer;
}

/** A worker's word to the main thread, on its link. */
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
  /** Model calls that ended before their chunk, and those that want to go out, each to be decided on. */
  | {
      readonly kind: 'calls';
      readonly ended: readonly EndedCalls[];
      readonly asked: readonly AskedCall[];
    }
  /** Which of these calls have an answer at hand. */
  | {
      readonly kind: 'find';
      readonly id: number;
      readonly statementId: number;
      readonly lookUp: LookUp;
    };

/** Keys of calls of one cell to one model. */
export interface LookUp {
  readonly cell: string;
  readonly provider: string;
  readonly model: string;
  readonly callKeys: readonly string[];
}

/** Calls of a statement that have ended. */
export interface EndedCalls {
  readonly statementId: number;
  readonly ended: readonly EndedAttempt[];
}

/** A call to decide on. */
export interface AskedCall {
  readonly id: number;
  readonly statementId: number;
  readonly request: CallRequest;
}

/** The main thread's word to a worker, on its link. */
export type WorkerMessage =
  | { readonly kind: 'cascade'; readonly id: number; readonly cascade: Cascade | null }
  | { readonly kind: 'sql'; readonly id: number; readonly outcome: SqlCellOutcome }
  | { readonly kind: 'chat'; readonly id: number; readonly outcome: ChatOutcome }
  | { readonly kind: 'find'; readonly id: number; readonly texts: readonly (string | null)[] }
  | { readonly kind: 'decisions'; readonly decisions: readonly DecidedCall[] }
  /** Open connections ahead of a statement's calls. */
  | { readonly kind: 'warm'; readonly target: ModelTarget; readonly connections: number }
  | { readonly kind: 'cancel'; readonly statementId: number }
  /** No further row of the statement is to start. */
  | { readonly kind: 'drain'; readonly statementId: number };

/** What was decided on a call. */
export interface DecidedCall {
  readonly id: number;
  readonly decision: CallDecision;
}

/** A rendered `sql_data` query: one statement, its values bound, its identifiers quoted. */
export interface SqlCellQuery {
  readonly text: string;
  /** `$1`, `$2`, … in order. */
  readonly values: readonly Json[];
  readonly materialize?: string;
  /** Time after which nobody waits for it. */
  readonly limitMs?: number;
}

export type SqlCellOutcome =
  | {
      readonly ok: true;
      readonly columns: readonly string[];
      /** Row objects; empty where the result was materialised. */
      readonly rows: readonly JsonObject[];
      readonly rowCount: number;
      readonly table?: string;
    }
  | { readonly ok: false; readonly error: Failure };
