/**
 * The journal's records say what happened, in order, as plain data. Events, progress and summaries are made from
 * these records alone.
 */
import type { ErrorCode } from '../error-codes.ts';
import type { Failure } from '../errors.ts';
import type { KeptMessage } from '../model/chat.ts';
import type { RefusedParameter } from '../model/parameters.ts';
import type { RowFailure, StatementKind, Strategy, Summary } from '../result.ts';

/**
 * The version of the format of records and of their lines. It goes up when the meaning of something in them changes. A
 * new kind of record or a new optional field needs no new version. From 2 on, version n reads n - 1.
 */
export const RECORD_VERSION = 2 as const;

interface RecordBase {
  readonly v: typeof RECORD_VERSION;
  /** Counts up by one within a journal. */
  readonly seq: number;
  /** Microseconds since the epoch, UTC. */
  readonly at: number;
  /** The session that the record belongs to, e.g. `udf-clever-fox-3fa2b1`. */
  readonly session: string;
  /** The name of the statement that the record belongs to, e.g. `sql-quiet-heron-09ab3c`. */
  readonly caller: string;
}

/** A statement has begun. */
export interface StatementOpen {
  readonly t: 'statement.open';
  readonly sql: string;
  readonly kind: StatementKind;
  readonly origin: string;
  readonly label?: string;
  readonly parallel: number;
  readonly cascade?: string;
  /** How the statement's runs are distributed to its lanes. Absent for `batch`. */
  readonly strategy?: Strategy;
  /** The version of the engine. */
  readonly engine?: string;
  /** The statement had parameters; their values are never recorded. */
  readonly hasParameters?: true;
  /** The session of the statement that this statement resumes. */
  readonly resumes?: string;
}

/** The statement's input has been read. `deduped` counts the rows that DISTINCT or `dedupe_by` dropped from it. */
export interface StatementRead {
  readonly t: 'statement.read';
  readonly rows: number;
  readonly runs: number;
  readonly deduped: number;
}

/** Runs have settled, and with them the rows that they serve. `failures` holds the rows that failed. */
export interface RowsSettled {
  readonly t: 'rows';
  /** The ordinal of the first run. `count` is the number of runs. */
  readonly first: number;
  readonly count: number;
  /** This field and the three after it count rows by outcome. One run serves all rows with equal inputs. */
  readonly ok: number;
  readonly null: number;
  readonly failed: number;
  readonly skipped: number;
  readonly failures: readonly RowFailure[];
}

/** A model call is being sent. */
export interface AttemptStart {
  readonly t: 'attempt.start';
  /** The name of the call, unique in the journal. */
  readonly attempt: string;
  /** The file of the outermost cascade. Cells of nested cascades are recorded under it too. */
  readonly cascade?: string;
  readonly cell: string;
  /** A hash of the request and its model. Answers are stored under this key. It does not contain the prompt. */
  readonly callKey: string;
  /** 1 for a cell's first call. Each retry, each repeated question and each call to a fallback model adds 1. */
  readonly n: number;
  readonly provider: string;
  readonly model: string;
  /** The `provider/model` that the cell names first, if it could not be asked and this model replaces it. */
  readonly insteadOf?: string;
  /** The smallest number from 1 that no other in-flight call of the statement has. */
  readonly lane: number;
  /** The number of calls of the same key that were in flight when their process died. Each may have been billed too. */
  readonly again?: number;
  /** Present if several questions share the call: the first of their attempts, and the number of questions. */
  readonly shared?: { readonly call: string; readonly of: number };
  /** The custom id of the request, if the call was made by the provider's Batch API. It was sent earlier than `at`. */
  readonly batch?: string;
  /** Milliseconds for which the limiter held the call before it was sent. Absent for less than 1. */
  readonly queuedMs?: number;
  /** The messages of the prompt. Present only if the journal is set to keep prompts. */
  readonly prompt?: readonly KeptMessage[];
}

/** A model call has been answered, or has failed. */
export interface AttemptEnd {
  readonly t: 'attempt.end';
  readonly attempt: string;
  /** `not_sent`: the call was cancelled before its first byte was sent. */
  readonly outcome: 'ok' | 'failed' | 'not_sent';
  readonly status?: number;
  /** All prompt tokens, including those from the provider's cache. */
  readonly tokensIn: number;
  readonly tokensOut: number;
  /**
   * The part of `tokensIn` that came from the provider's cache. `tokensCacheWrite` is the part that was written into
   * that cache. Each is absent if the provider did not report it.
   */
  readonly tokensCached?: number;
  readonly tokensCacheWrite?: number;
  /** Null if the price is not known. */
  readonly costMicroUsd: number | null;
  /** `assumed`: the list price of a model with this name, but the server is not known to sell that model. */
  readonly costStatus: 'settled' | 'assumed' | 'uncosted';
  readonly durationMs: number;
  /** The key of the answer. `callKey` and `value` (the answer's text) are present if the answer is usable and kept. */
  readonly callKey?: string;
  readonly value?: string;
  /** The provider and model of the answer. Present if the call's `attempt.start` is in an earlier segment. */
  readonly provider?: string;
  readonly model?: string;
  readonly error?: Failure;
  /** The beginning of an unusable answer. */
  readonly raw?: string;
}

/** Stored answers of earlier calls were used instead of new calls. */
export interface CacheHits {
  readonly t: 'cache.hits';
  readonly count: number;
  /** Micro-USD that the stored answers cost when they were bought; null if none of them has a known price. */
  readonly savedMicroUsd: number | null;
  readonly cell: string;
  readonly provider: string;
  readonly model: string;
}

/**
 * Either the run took longer than its limit: its worker was ended, and the other runs of its chunk were queued again.
 * Or no answer came for the chunk that begins with the run, and the chunk was queued again.
 */
export interface RunStalled {
  readonly t: 'run.stalled';
  /** The ordinal of the run. */
  readonly run: number;
  readonly limitMs: number;
}

/** A worker thread died. Its runs were queued again. */
export interface WorkerLost {
  readonly t: 'worker.lost';
  readonly reason: string;
}

/** The statement is stalled: its calls wait for a permit, and for half a second no call has got one. */
export interface CallsHeld {
  readonly t: 'calls.held';
  readonly provider: string;
  /** Milliseconds for which refusals (429) still hold all calls to the model. Absent if the limits hold them. */
  readonly heldMs?: number;
}

/** The statement is no longer stalled. */
export interface CallsReleased {
  readonly t: 'calls.released';
  /** Milliseconds for which the statement was stalled. */
  readonly waitedMs: number;
}

/**
 * A model has refused a parameter. Later calls to the model leave the parameter out, or send it under the name that the
 * model accepts. Recorded once for each model and parameter.
 */
export interface ParameterRefused extends RefusedParameter {
  readonly t: 'parameter.refused';
  readonly provider: string;
  readonly model: string;
}

/** Counts the answers of an operator to one criterion, or to all criteria together. */
export interface AnswerShare {
  readonly operator: string;
  /** The hash of the criterion, which may be a row value. Absent if the answers are to several criteria. */
  readonly criterion?: string;
  /** The number of TRUE answers; for text answers, the number of different texts. `of` is the number of answers. */
  readonly met: number;
  readonly of: number;
}

/** Statistics about the answers of a semantic statement, including stored answers. */
export interface AnswersLearned {
  readonly t: 'answers.learned';
  readonly shares: readonly AnswerShare[];
}

/** A statement has ended. */
export interface StatementClose {
  readonly t: 'statement.close';
  readonly summary: Summary;
  /** The code of the error that ended the statement. Absent if none did. */
  readonly errorCode?: ErrorCode;
}

/** A record before the journal has numbered and dated it. */
export type JournalEntry =
  | StatementOpen
  | StatementRead
  | AttemptStart
  | AttemptEnd
  | CacheHits
  | RowsSettled
  | RunStalled
  | WorkerLost
  | CallsHeld
  | CallsReleased
  | ParameterRefused
  | AnswersLearned
  | StatementClose;

export type JournalRecord = RecordBase & JournalEntry;
