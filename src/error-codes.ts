/** The closed set of error codes. `docs/errors.md` explains each. */

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
