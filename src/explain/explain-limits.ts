/** Bounds of EXPLAIN and of what it learns, and what it expects where nothing is known. */

/** Runs that EXPLAIN foresees one by one; of more it takes these for a sample. */
export const EXPLAIN_MAX_RUNS = 50_000;
/** It gives way to other statements after this. */
export const EXPLAIN_TURN_MS = 10;
/** Trials that only narrow the rows that come out are left out where one takes longer than this. */
export const EXPLAIN_TRIAL_MS = 1_000;
/** Likewise those that tell what hangs on a guess. */
export const EXPLAIN_DOUBT_MS = 5_000;
/** A call is expected to take this long where none like it has been made. */
export const EXPECTED_CALL_MS = 1_000;
/** Part of the answers that are expected to be TRUE where there have been none, … */
export const EXPECTED_TRUE_SHARE = 0.3;
/** … what calls would be at these is said beside it, … */
export const DOUBTED_SHARES = [0.1, 0.9] as const;
/** … and part of the runs that come to a cell which an earlier answer decides on. */
export const EXPECTED_CELL_SHARE = 0.5;
/** Bytes of the journal, the newest, that the first EXPLAIN of a process reads. */
export const EXPERIENCE_READ_BYTES = 4 * 1024 * 1024;
/** Answers of a statement that its operators' shares of TRUE are taken from. */
export const EXPERIENCE_MAX_ANSWERS = 10_000;
/** Criteria of a statement beyond which only the operator's own share is remembered. */
export const EXPERIENCE_MAX_CRITERIA = 16;
