/** All limits of the simulated server. */

/** The most bytes of a request's body. A larger request is answered with 413. */
export const MAX_BODY_BYTES = 16 * 1024 * 1024;
/** The most bytes of a batch's requests. */
export const MAX_BATCH_BYTES = 256 * 1024 * 1024;
/** The most calls that the ledger keeps. Newer calls replace the oldest, which are counted as dropped. */
export const LEDGER_ENTRIES = 200_000;
/**
 * The most different contents that are distinguished. Calls with further contents count as first attempts and as
 * overflowed.
 */
export const MAX_CONTENTS = 1_000_000;
/** The most entries in one answer of `/sim/ledger`. */
export const LEDGER_PAGE = 20_000;
/** The most rules of one script. */
export const MAX_RULES = 10_000;
/** The longest latency or delay: an hour. */
export const MAX_LATENCY_MS = 3_600_000;
/** The deepest nesting of a JSON Schema instance. */
export const SCHEMA_MAX_DEPTH = 32;
/** The maximum number of values in an answer that the simulator makes from a JSON Schema. Further values are null. */
export const SCHEMA_MAX_VALUES = 10_000;
/** The most characters that `minLength` may ask for in one text of a JSON Schema instance. */
export const SCHEMA_MAX_CHARS = 100_000;
/** The most texts of one embeddings call. */
export const MAX_EMBEDDING_INPUTS = 2_048;
/** The most numbers of one vector. */
export const MAX_DIMENSIONS = 4_096;
/** The most bytes that a fault may ask for, e.g. to send first or to inflate to. */
export const MAX_FAULT_SIZE = 4 * 1024 * 1024 * 1024;
/** The most connections that wait to be accepted. A thousand clients may connect at once. */
export const LISTEN_BACKLOG = 4_096;
/** An idle connection stays open this long, so that no client sends on a connection that is closing. */
export const KEEP_ALIVE_MS = 600_000;
/** The longest time from the start of the process until it prints its URL. */
export const PROCESS_BOOT_MS = 15_000;
/** The time between the last byte and a reset, so that the client has read all bytes by then. */
export const RESET_DELAY_MS = 40;
