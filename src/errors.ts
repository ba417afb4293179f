/** The engine's one error class and its closed set of codes. `docs/errors.md` explains each. */

import { MESSAGE_CHARS } from './limits.ts';
import type { Summary } from './result.ts';

/** Every code an error of this package can carry. */
export const ERROR_CODES = [
  'RVB_SYNTAX',
  'RVB_UNSUPPORTED',
  'RVB_UNKNOWN_OPTION',
  'RVB_OPTION_TYPE',
  'RVB_AMBIGUOUS_OPERAND',
  'RVB_COLUMN_COLLISION',
  'RVB_MULTIPLE_STATEMENTS',
  'RVB_CASCADE_NOT_FOUND',
  'RVB_CASCADE_INVALID',
  'RVB_PATH_DENIED',
  'RVB_TEMPLATE',
  'RVB_TEMPLATE_QUOTED',
  'RVB_CELL',
  'RVB_SQL',
  'RVB_NO_MODEL',
  'RVB_MODEL_HTTP',
  'RVB_MODEL_REFUSED',
  'RVB_MODEL_TRUNCATED',
  'RVB_ANSWER_INVALID',
  'RVB_WARD',
  'RVB_REPLAY_MISS',
  'RVB_TYPE_MISMATCH',
  'RVB_TIMEOUT',
  'RVB_DEADLINE',
  'RVB_BUDGET',
  'RVB_UNCOSTED',
  'RVB_LIMIT',
  'RVB_WORKER_BOOT',
  'RVB_WORKER_LOST',
  'RVB_POISON_ROW',
  'RVB_CANCELLED',
  'RVB_JOURNAL_CORRUPT',
  'RVB_JOURNAL_WRITE',
  'RVB_RUN_LOCKED',
  'RVB_CLOSED',
  'RVB_INTERNAL',
] as const;

/** A stable code to match on; messages may change, codes do not. */
export type ErrorCode = (typeof ERROR_CODES)[number];

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

/** The error of work that its caller's signal ended. */
export function cancelledError(
  message = 'the statement was cancelled',
  cause?: unknown,
): RvbbitError {
  return new RvbbitError('RVB_CANCELLED', message, { stage: 'read', cause });
}

/** A failure as data: what crosses a thread and what the account of a statement records. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
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
