/** The bounds of EXPLAIN and of what it learns, and its assumptions where nothing is known. */

/** EXPLAIN foresees at most this many runs one by one. If there are more runs, it takes these as a sample. */
export const EXPLAIN_MAX_RUNS = 50_000;
/** EXPLAIN lets other statements go on after this time. */
export const EXPLAIN_TURN_MS = 10;
/**
 * If a trial takes longer than this, EXPLAIN leaves out those that would only bound the number of result rows, those with
 * a mixture of answers, and those with `DOUBTED_SHARES`.
 */
export const EXPLAIN_TRIAL_MS = 1_000;
/** After this time, EXPLAIN begins no further trial with a mixture of answers. */
export const EXPLAIN_MIXED_MS = 2_000;
/** The expected duration of a call if no call like it has been made. */
export const EXPECTED_CALL_MS = 1_000;
/** The expected share of TRUE answers if there have been no answers. */
export const EXPECTED_TRUE_SHARE = 0.3;
/** If EXPLAIN uses `EXPECTED_TRUE_SHARE`, it also says how many calls there would be at these shares. */
export const DOUBTED_SHARES = [0.1, 0.9] as const;
/** The expected share of runs that come to a cell on which an earlier answer decides, if no earlier runs are known. */
export const EXPECTED_CELL_SHARE = 0.5;
/** The first EXPLAIN of a process reads at most this many bytes of the journal: the newest ones. */
export const EXPERIENCE_READ_BYTES = 4 * 1024 * 1024;
/** The most answers of an operator in one statement from which its share of TRUE is learned. */
export const EXPERIENCE_MAX_ANSWERS = 10_000;
/** If a statement asks an operator with more criteria than this, only the operator's overall share is remembered. */
export const EXPERIENCE_MAX_CRITERIA = 16;
/** A trial searches for what to ask for this long, in milliseconds; then it asks more than is needed. */
export const EXPLAIN_SEARCH_MS = 300;
