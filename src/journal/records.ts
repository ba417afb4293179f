/**
 * The journal's records: what happened, in order, as plain data. Events, progress and summaries read
 * nothing else.
 */
import type { Failure } from '../errors.ts';
import type { KeptMessage } from '../model/chat.ts';
import type { RefusedParameter } from '../model/parameters.ts';
import type { RowFailure, StatementKind, Strategy, Summary } from '../result.ts';

/**
 * Version of the form of records and of their lines. It goes up when something in them comes to mean something else;
 * a new kind and a new field that may be left out need none. From 2 on, version n reads n - 1.
 */
export const RECORD_VERSION = 2 as const;

interface RecordBase {
  readonly v: typeof RECORD_VERSION;
  /** Counts up by one within a journal. */
  readonly seq: number;
  /** Microseconds since the epoch, UTC. */
  readonly at: number;
  /** The session that did it, e.g. `udf-clever-fox-3fa2b1`. */
  readonly session: string;
  /** The statement that all of it belongs to, e.g. `sql-quiet-heron-09ab3c`. */
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
  /** How its runs come to its lanes; `batch` where it is left out. */
  readonly strategy?: Strategy;
  /** Version of the engine. */
  readonly engine?: string;
  /** The statement had parameters; their values are never recorded. */
  readonly hasParameters?: true;
  /** The session of the statement that this one takes up again. */
  readonly resumes?: string;
}

/** The statement's input has been read: how many rows, and how many runs serve them. */
export interface StatementRead {
  readonly t: 'statement.read';
  readonly rows: number;
  readonly runs: number;
  readonly deduped: number;
}

/** Runs that settled and the rows that they serve; `failures` holds the rows that failed. */
export interface RowsSettled {
  readonly t: 'rows';
  /** Ordinal of the first run, and how many runs. */
  readonly first: number;
  readonly count: number;
  /** Rows by outcome: one run serves every row with equal inputs. */
  readonly ok: number;
  readonly null: number;
  readonly failed: number;
  readonly skipped: number;
  readonly failures: readonly RowFailure[];
}

/** A model call goes out. */
export interface AttemptStart {
  readonly t: 'attempt.start';
  /** Unique in the journal. */
  readonly attempt: string;
  /** The file of the cascade that is run; cells of cascades nested in it are its own here. */
  readonly cascade?: string;
  readonly cell: string;
  /** Hash of what is asked, of whom: the key under which an answer is found again. Never holds the prompt. */
  readonly callKey: string;
  /** 1 for a cell's first call; a re-ask or a retry counts up. */
  readonly n: number;
  readonly provider: string;
  readonly model: string;
  /** `provider/model` that the cell names first and that could not be asked. */
  readonly insteadOf?: string;
  /** Which of the statement's lanes made it: 1 to n, n being the most calls in flight. */
  readonly lane: number;
  /** Calls of the same key that were out when their processes died: each may have been paid for as well. */
  readonly again?: number;
  /** Milliseconds for which the limiter held it before it went out, where that is one or more. */
  readonly queuedMs?: number;
  /** What is asked; only where the journal is told to keep prompts. */
  readonly prompt?: readonly KeptMessage[];
}

/** A model call has been answered, or has failed. */
export interface AttemptEnd {
  readonly t: 'attempt.end';
  readonly attempt: string;
  /** `not_sent`: cancelled before its first byte. */
  readonly outcome: 'ok' | 'failed' | 'not_sent';
  readonly status?: number;
  /** All of the prompt, what came from the provider's cache included. */
  readonly tokensIn: number;
  readonly tokensOut: number;
  /** Of tokensIn: those from the provider's cache, and those put into it. Absent for none. */
  readonly tokensCached?: number;
  readonly tokensCacheWrite?: number;
  /** Null where the price is not known. */
  readonly costMicroUsd: number | null;
  /** `assumed`: by the list price of a model of this name, at a server that is not known to sell it. */
  readonly costStatus: 'settled' | 'assumed' | 'uncosted';
  readonly durationMs: number;
  /** The answer's text and the key that it is found under, where it can be used and may be kept. */
  readonly callKey?: string;
  readonly value?: string;
  /** Of whom the answer is, where the call's start stands in an earlier segment. */
  readonly provider?: string;
  readonly model?: string;
  readonly error?: Failure;
  /** What came in place of a usable answer, cut short. */
  readonly raw?: string;
}

/** Answers of earlier calls were used in place of calls. */
export interface CacheHits {
  readonly t: 'cache.hits';
  readonly count: number;
  /** Micro-USD that those answers cost when they were bought; null where none of them has a price. */
  readonly savedMicroUsd: number | null;
  readonly cell: string;
  readonly provider: string;
  readonly model: string;
}

/**
 * A run stood still for longer than it may; its worker was ended, and the runs beside it were put back. Or no
 * answer came of the chunk that it begins, and that was put back.
 */
export interface RunStalled {
  readonly t: 'run.stalled';
  /** Ordinal of the run. */
  readonly run: number;
  readonly limitMs: number;
}

/** A worker thread died; what it had was put back. */
export interface WorkerLost {
  readonly t: 'worker.lost';
  readonly reason: string;
}

/** The statement stands still: calls of it wait for leave to go out, and none has got it for half a second. */
export interface CallsHeld {
  readonly t: 'calls.held';
  readonly provider: string;
  /** Milliseconds for which refusals (429) still hold all calls to the model; absent where limits do. */
  readonly heldMs?: number;
}

/** The statement no longer stands still. */
export interface CallsReleased {
  readonly t: 'calls.released';
  /** How long it did. */
  readonly waitedMs: number;
}

/** A model has refused a parameter: calls to it go without, or under the name that it takes. Told once a model. */
export interface ParameterRefused extends RefusedParameter {
  readonly t: 'parameter.refused';
  readonly provider: string;
  readonly model: string;
}

/** Answers of an operator to one criterion, or to any. */
export interface AnswerShare {
  readonly operator: string;
  /** Hash of the criterion, which may be a value of a row; none where the answers are to several. */
  readonly criterion?: string;
  /** How many of them are TRUE; of texts how many are unlike those before them. */
  readonly met: number;
  readonly of: number;
}

/** What a semantic statement's answers were like, those at hand included. */
export interface AnswersLearned {
  readonly t: 'answers.learned';
  readonly shares: readonly AnswerShare[];
}

/** A statement has ended. */
export interface StatementClose {
  readonly t: 'statement.close';
  readonly summary: Summary;
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
