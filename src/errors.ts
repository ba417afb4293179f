/** The engine's one error class. */
import type { ErrorCode } from './error-codes.ts';
import { MESSAGE_CHARS } from './limits.ts';
import type { Summary } from './result.ts';

/** The stage of a statement in which an error arose. */
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

/** The place of an error in a text: 1-based line and column, and the file if the text came from a file. */
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
  /** Overrides the code's own SQLSTATE, e.g. with the SQLSTATE of DuckDB's error class. */
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
  RVB_PROTOCOL: '08P01',
};

/** Returns the SQLSTATE of a code: five characters, as the Postgres protocol reports it. */
export function sqlStateOf(code: ErrorCode): string {
  return SQL_STATES[code] ?? 'XX000';
}

/** The error that this package throws. Match on `code`; the message says what happened, to what, and what to do. */
export class RvbbitError extends Error {
  override readonly name = 'RvbbitError';
  readonly code: ErrorCode;
  readonly stage: Stage;
  readonly sqlState: string;
  /** True if the same attempt may succeed later. The retry loop alone decides if there is another attempt. */
  readonly retryable: boolean;
  readonly place?: SourcePlace;
  /** What the statement had done when it ended. Set on an error that ended a statement. */
  summary?: Summary;

  constructor(code: ErrorCode, message: string, details: ErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.stage = details.stage;
    this.sqlState = details.sqlState ?? sqlStateOf(code);
    this.retryable = details.retryable ?? false;
    if (details.place !== undefined) this.place = details.place;
  }

  /** Returns the error as plain data without its stack, for logs and services. */
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

/** A failure as data. This form crosses threads, and the account of a statement records it. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
}

/** The failure of work whose statement was cancelled. */
export const CANCELLED: Failure = {
  code: 'RVB_CANCELLED',
  message: 'the statement was cancelled',
};

/** Returns the error of work whose statement was cancelled. */
export function cancelledError(cause?: unknown): RvbbitError {
  return new RvbbitError(CANCELLED.code, CANCELLED.message, { stage: 'execute', cause });
}

/** Returns the error of a call to a closed engine, session or database. */
export function closedError(
  what: 'engine' | 'session' | 'database' = 'engine',
  cause?: unknown,
): RvbbitError {
  return new RvbbitError('RVB_CLOSED', `the ${what} is closed; open another`, {
    stage: 'close',
    cause,
  });
}

/** Returns the error of a statement that was running when its engine or session was closed. */
export function closedMeanwhileError(what: 'engine' | 'session'): RvbbitError {
  return new RvbbitError(
    'RVB_CLOSED',
    `the ${what} was closed while the statement ran, and the statement was cancelled; close it after the last statement`,
    { stage: 'close' },
  );
}

/** Returns the message of anything thrown, cut to `maxChars`. */
export function messageOf(thrown: unknown, maxChars = MESSAGE_CHARS): string {
  const text = textOf(thrown);
  return text.length <= maxChars ? text : `${text.slice(0, maxChars - 1)}…`;
}

/** What is thrown may be anything, also a Proxy whose every use throws. */
function textOf(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message : thrown);
  } catch {
    return 'something was thrown that has no text';
  }
}

function isRvbbitError(thrown: unknown): thrown is RvbbitError {
  try {
    return thrown instanceof RvbbitError;
  } catch {
    return false;
  }
}

/** Converts anything thrown to a `Failure`. Keeps the code of an `RvbbitError`. */
export function failureOf(thrown: unknown, fallback: ErrorCode = 'RVB_INTERNAL'): Failure {
  return {
    code: isRvbbitError(thrown) ? thrown.code : fallback,
    message: messageOf(thrown),
  };
}

/** Closes a switch over a union, so that the compiler reports a case that is not handled. */
export function assertUnreachable(value: never): never {
  throw new RvbbitError('RVB_INTERNAL', `unexpected value ${JSON.stringify(value)}`, {
    stage: 'execute',
  });
}
