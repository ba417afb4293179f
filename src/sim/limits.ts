/** Every bound of the simulated server, by name. */

/** Bytes of one request's body; more is answered 413. */
export const MAX_BODY_BYTES = 16 * 1024 * 1024;
/** Calls that the ledger keeps; the oldest make room and are counted as dropped. */
export const LEDGER_ENTRIES = 200_000;
/** Different contents that are told apart; later ones count as first attempts and as overflowed. */
export const MAX_CONTENTS = 1_000_000;
/** Entries that one answer of `/sim/ledger` holds. */
export const LEDGER_PAGE = 20_000;
/** Rules of one script. */
export const MAX_RULES = 10_000;
/** The longest latency or delay: an hour. */
export const MAX_LATENCY_MS = 3_600_000;
/** Nesting of a JSON Schema instance. */
export const SCHEMA_MAX_DEPTH = 32;
/** Values in a JSON Schema instance; those after them are null. */
export const SCHEMA_MAX_VALUES = 10_000;
/** Characters of one text in a JSON Schema instance. */
export const SCHEMA_MAX_CHARS = 100_000;
/** Texts of one embeddings call. */
export const MAX_EMBEDDING_INPUTS = 2_048;
/** Numbers of one vector. */
export const MAX_DIMENSIONS = 4_096;
/** Digits, depth or inflated bytes that a fault may ask for. */
export const MAX_FAULT_SIZE = 4 * 1024 * 1024 * 1024;
/** Connections that wait to be accepted; a thousand clients connect at once. */
export const LISTEN_BACKLOG = 4_096;
/** An idle connection stays open for this long, so that no client meets a closing one. */
export const KEEP_ALIVE_MS = 600_000;
/** From the start of the process to its URL. */
export const PROCESS_BOOT_MS = 15_000;
/** Between the last byte and a reset, so that the client has read what was sent. */
export const RESET_DELAY_MS = 40;
