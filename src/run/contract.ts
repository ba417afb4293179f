/** What one run of a cascade is told, what it asks of its surroundings, and what comes of it. Plain JSON values only. */
import type { Failure } from '../errors.ts';
import type { AttemptReport, KeptMessage, StatementModels } from '../model/chat.ts';
import type { ParameterChanges } from '../model/parameters.ts';
import type { Json, JsonObject } from '../util/json.ts';

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
  /** `provider/model` that the cell names first, where this one takes its place. */
  readonly insteadOf?: string;
  /** Hash of all that the answer depends on. */
  readonly callKey: string;
  /** What is left of the cell's time, or of the run's where that is less: it may wait for the answer of an equal call for so long. */
  readonly leftMs: number;
  /** Estimates, for limits and budgets. `outputTokens` is the cell's cap where it has one. */
  readonly inputTokens: number;
  readonly outputTokens?: number;
  /** What is asked, where the journal keeps it. */
  readonly prompt?: readonly KeptMessage[];
  /** An answer at hand turned out to be of no use: make the call. */
  readonly fresh?: boolean;
}

/** What the main thread says to it. */
export type CallDecision = {
  /** Part of the time spent waiting that counts against the row's: it waited for the answer of an equal call. */
  readonly followedMs?: number;
} & (
  | {
      readonly kind: 'go';
      readonly attempt: string;
      /** What the model's refusals of parameters have taught. */
      readonly learned?: ParameterChanges;
    }
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

/** Keys of calls of one cell to one model. */
export interface LookUp {
  readonly cell: string;
  readonly provider: string;
  readonly model: string;
  readonly callKeys: readonly string[];
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
