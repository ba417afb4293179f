/** The settings of a run of a cascade, its requests to the rest of the engine, and its outcome. Plain JSON values only. */
import type { Failure } from '../errors.ts';
import type {
  Answered,
  AttemptReport,
  ChatRequest,
  KeptMessage,
  StatementModels,
} from '../model/chat.ts';
import type { ParameterChanges } from '../model/parameters.ts';
import type { SharedCall } from '../model/provider.ts';
import type { Json, JsonObject } from '../util/json.ts';

/** Settings that are the same for every chunk of a statement. */
export interface RunSettings {
  /** In RUN, SQL cells get `input.data_table` as an identifier. In MAP, `input.data_table` is not defined. */
  readonly kind: 'map' | 'run';
  /** The time limit of one run. */
  readonly timeoutMs: number;
  /** The number of attempts at a call that fails temporarily, including the first. It overrides that of the cells. */
  readonly maxAttempts?: number;
  /** True: after a row of a chunk has failed, no further row of the chunk starts. */
  readonly endsAtFailure?: boolean;
  /** True: send the prompts of calls to the main thread, for the journal. */
  readonly keepPrompts?: boolean;
  /** True: name the call of each run in the outcome, so that its stored answer can be found without the run. */
  readonly namesCalls?: boolean;
  /** True: keep each cell's output in the outcome (RUN, `rvbbit run`). */
  readonly keepOutputs: boolean;
  /** True: several calls may be put together into one (BATCH). */
  readonly batches?: true;
  /** True: calls are made by the provider's Batch API, and runs begin again when the answers have come. */
  readonly orders?: true;
  /** The models for cells with instructions. Absent if no cell has instructions. */
  readonly models?: StatementModels;
}

/** The outcome of one run of a cascade. */
export type RunOutcome = {
  readonly outputs?: JsonObject;
  /** Refusals by advisory wards. Absent if there were none. */
  readonly advisories?: readonly Advisory[];
} & (
  | { readonly kind: 'ok'; readonly value: Json }
  /** The run has no value, because a `when` skipped its cells. */
  | { readonly kind: 'skipped' }
  | {
      readonly kind: 'failed';
      readonly error: Failure;
      /**
       * Attempts at the part that failed: a model call, a cell with `retry`, or a cell that a ward refused. 1 without a
       * retry.
       */
      readonly attempts: number;
    }
);

/** A refusal by an advisory ward. The run went on after it. */
export interface Advisory {
  /** The cell's name, after the names of the cells that it is nested in, e.g. `price.ask`. */
  readonly cell: string;
  readonly ward: string;
  readonly reason: string;
}

/** The number of advisories of several runs, and the first of them. */
export interface AdvisoryReport {
  readonly count: number;
  readonly first: readonly Advisory[];
}

/** A model call that a run wants to make. Only the main thread decides whether and when the call is made. */
export interface CallRequest {
  readonly cell: string;
  /** 1 for a cell's first call. Retries and repeated questions count on from there. */
  readonly n: number;
  /** The provider's id, or `function` for the embedding program's function. */
  readonly provider: string;
  readonly model: string;
  /** `provider/model` that the cell names first, if this call goes to a fallback. */
  readonly insteadOf?: string;
  /** A hash of everything that the answer depends on. */
  readonly callKey: string;
  /** The rest of the cell's or the run's time, whichever is less: the longest time to wait for the answer of an equal call. */
  readonly leftMs: number;
  /** Estimated tokens, for limits and budgets. `outputTokens` is the cell's cap, if it has one. */
  readonly inputTokens: number;
  readonly outputTokens?: number;
  /** The prompt. Present only if the journal keeps prompts. */
  readonly prompt?: readonly KeptMessage[];
  /** True: a stored answer is known to be unusable, so the call must be made. */
  readonly fresh?: boolean;
  /** Present if the question may be asked together with others. */
  readonly batch?: Batchable;
  /** Present if the calls are made by the provider's Batch API. */
  readonly ordered?: {
    readonly request: ChatRequest;
    /** How many answers to this question the run has read: the first answer failed, and the question is asked again. */
    readonly answers: number;
  };
}

/** What tells whether questions may share a call. */
export interface Batchable {
  /** Questions of one worker with equal keys may share a call. */
  readonly key: string;
  /** The estimated tokens of the prompt that are the same for all of them. */
  readonly sharedTokens: number;
  /** Present for the half of a call that was cut in two: exactly so many questions belong together. */
  readonly of?: number;
}

/** The main thread's decision about a `CallRequest`. */
export type CallDecision = {
  /** The time spent waiting for the answer of an equal call. It counts against the row's time. */
  readonly followedMs?: number;
} & (
  | {
      readonly kind: 'go';
      readonly attempt: string;
      /** The changes to parameters that the model's earlier refusals require. */
      readonly learned?: ParameterChanges;
      /** Present if the question shares the call with others. */
      readonly shared?: SharedCall;
      /** Present if the call was made by the provider's Batch API. */
      readonly answered?: Answered;
    }
  /** A cache hit: the text of an earlier answer to an equal call. */
  | { readonly kind: 'hit'; readonly text: string }
  /** `isLater`: the answer comes with a batch. The run ends, and begins again when the batch has ended. */
  | { readonly kind: 'refused'; readonly error: Failure; readonly isLater?: true }
);

/** A model call that was made, and its report. */
export interface EndedAttempt {
  /** The attempt's id, as the decision gave it. */
  readonly attempt: string;
  readonly report: AttemptReport;
}

/** Keys of calls from one cell to one model, to be looked up among the stored answers. */
export interface LookUp {
  readonly cell: string;
  readonly provider: string;
  readonly model: string;
  readonly callKeys: readonly string[];
}

/** A rendered query of a SQL cell: one statement with bound values and quoted identifiers. */
export interface SqlCellQuery {
  readonly text: string;
  /** The values of `$1`, `$2`, … in this order. */
  readonly values: readonly Json[];
  readonly materialize?: string;
  /**
   * Present: a cascade runs once for each row of the query. Then `materialize` names the table of the rows and their
   * values.
   */
  readonly forEachRow?: ForEachRow;
  /** The time after which the run no longer waits for the query. Absent: the query may take as long as its statement. */
  readonly limitMs?: number;
}

/** The cascade of a `for_each_row` cell, and the column for its values. */
export interface ForEachRow {
  readonly cascadeHash: string;
  readonly column: string;
}

export type SqlCellOutcome =
  | {
      readonly ok: true;
      readonly columns: readonly string[];
      /** The rows as objects. Empty if the result went into a table. */
      readonly rows: readonly JsonObject[];
      readonly rowCount: number;
      readonly table?: string;
      /** The number of rows whose cascade failed. */
      readonly failed?: number;
    }
  | { readonly ok: false; readonly error: Failure };
