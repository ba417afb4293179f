/** The engine's one error class. */
import type { ErrorCode } from './error-codes.ts';
import { MESSAGE_CHARS } from './limits.ts';
import type { Summary } from './result.ts';

/** The stage of a statement's way in which an error arose. */
export type Stage =
  | 'open'
  | 'parse'
  | 'bind'
  | 'plan'
  | 'read'
  | 'execute'
  | 'deliver'
  | 'cascade'
  | 'journal'
  | 'close';

/** Where in a text an error lies: 1-based line and column, and the file if it came from one. */
export interface SourcePlace {
  readonly file?: string;
  readonly line: number;
  readonly column: number;
}

interface ErrorDetails {
  readonly stage: Stage;
  readonly cause?: unknown;
  readonly place?: SourcePlace;
  readonly retryable?: boolean;
  /** Overrides the code's own SQLSTATE, e.g. with the one DuckDB's error class maps to. */
  readonly sqlState?: string;
}

/** SQLSTATEs that differ from the general `XX000` (internal error). */
const SQL_STATES: Partial<Record<ErrorCode, string>> = {
  RVB_SYNTAX: '42601',
  RVB_UNSUPPORTED: '0A000',
  RVB_UNKNOWN_OPTION: '42704',
  RVB_OPTION_TYPE: '42804',
  RVB_AMBIGUOUS_OPERAND: '42725',
  RVB_COLUMN_COLLISION: '42701',
  RVB_MULTIPLE_STATEMENTS: '42601',
  RVB_CASCADE_NOT_FOUND: '42883',
  RVB_CASCADE_INVALID: 'F0000',
  RVB_PATH_DENIED: '42501',
  RVB_SQL: '42000',
  RVB_WARD: '23514',
  RVB_TYPE_MISMATCH: '42804',
  RVB_TIMEOUT: '57014',
  RVB_DEADLINE: '57014',
  RVB_BUDGET: '53400',
  RVB_LIMIT: '54000',
  RVB_JOURNAL_WRITE: '58030',
  RVB_CANCELLED: '57014',
  RVB_CLOSED: '57P01',
};

/** The SQLSTATE of a code: five characters, as the Postgres wire reports it. */
export function sqlStateOf(code: ErrorCode): string {
  return SQL_STATES[code] ?? 'XX000';
}

/** Everything this package throws. Match on `code`; the message says what happened, to what, and what to do. */
export class RvbbitError extends Error {
  override readonly name = 'RvbbitError';
  readonly code: ErrorCode;
  readonly stage: Stage;
  readonly sqlState: string;
  /** True where the same attempt may succeed later; the retry loop alone decides whether it does. */
  readonly retryable: boolean;
  readonly place?: SourcePlace;
  /** What the statement had done when it ended; set on errors that end one. */
  summary?: Summary;

  constructor(code: ErrorCode, message: string, details: ErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.stage = details.stage;
    this.sqlState = details.sqlState ?? sqlStateOf(code);
    this.retryable = details.retryable ?? false;
    if (details.place !== undefined) this.place = details.place;
  }

  /** The error as plain data, for logs and services; no stack. */
  toJSON(): Record<string, unknown> {
    return {
      code: this.code,
      stage: this.stage,
      sqlState: this.sqlState,
      message: this.message,
      ...(this.place === undefined ? {} : { place: this.place }),
    };
  }
}

/** A failure as data: what crosses a thread and what the account of a statement records. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
}

/** What comes of work whose statement was cancelled. */
export const CANCELLED: Failure = {
  code: 'RVB_CANCELLED',
  message: 'the statement was cancelled',
};

/** The error of work whose statement was cancelled. */
export function cancelledError(cause?: unknown): RvbbitError {
  return new RvbbitError(CANCELLED.code, CANCELLED.message, { stage: 'execute', cause });
}

/** The error of work that was asked of something that is closed. */
export function closedError(
  what: 'engine' | 'session' | 'database' = 'engine',
  cause?: unknown,
): RvbbitError {
  return new RvbbitError('RVB_CLOSED', `the ${what} is closed; open another`, {
    stage: 'close',
    cause,
  });
}

/** The error of a statement that ran when its engine was closed. */
export function closedMeanwhileError(): RvbbitError {
  return new RvbbitError(
    'RVB_CLOSED',
    'the engine was closed while the statement ran, and the statement was cancelled; close it after the last statement',
    { stage: 'close' },
  );
}

/** The message of anything thrown, cut to `maxChars`. */
export function messageOf(thrown: unknown, maxChars = MESSAGE_CHARS): string {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return text.length <= maxChars ? text : `${text.slice(0, maxChars - 1)}…`;
}

/** Turns anything thrown into a `Failure`, keeping the code of our own errors. */
export function failureOf(thrown: unknown, fallback: ErrorCode = 'RVB_INTERNAL'): Failure {
  return {
    code: thrown instanceof RvbbitError ? thrown.code : fallback,
    message: messageOf(thrown),
  };
}

/** Closes a switch over a union: the compiler refuses a case that is not handled. */
export function assertUnreachable(value: never): never {
  throw new RvbbitError('RVB_INTERNAL', `unexpected value ${JSON.stringify(value)}`, {
    stage: 'execute',
  });
}
