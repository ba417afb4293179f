/** Bounds that users meet or that several folders share. Every other bound stands beside what it bounds. */
export { MAX_PARALLEL } from '../grammar/limits.ts';

// Rows
/** Rows that a MAP reads when neither its query nor `limit` says otherwise. */
export const MAP_DEFAULT_ROWS = 1_000;
/** Rows that a RUN reads when neither its query nor `limit` says otherwise. */
export const RUN_DEFAULT_ROWS = 10_000;

// Chunks and lanes
/** Rows in one chunk at most; also DuckDB's vector size, so that a chunk never spans three of them. */
export const CHUNK_MAX_ROWS = 2_048;
/** Runs that wait for models share a chunk while it takes less than this: a task costs more than the work of a short call. */
export const CHUNK_WAITING_MS = 200;
/** After this a chunk gives back the runs that it has not begun. */
export const CHUNK_GIVE_BACK_MS = 2 * CHUNK_WAITING_MS;
/** Runs that may be read, in flight or waiting for an earlier one, beyond what has been delivered. */
export const WINDOW_MAX_RUNS = 65_536;

// Workers
/** Threads of an engine that is not told how many, at most. */
export const MAX_DEFAULT_THREADS = 8;
/** Cancelled, and as many drained, statements whose late chunks a worker turns away, and of which one that starts late is told. */
export const STOPS_KEPT = 1_000;
/** From an abort to the settling of what was aborted. */
export const ABORT_SETTLE_MS = 1_000;

/** Chunks that wait for models gather on one worker up to this many. */
export const GATHER_MAX_CHUNKS = 256;

// Runs
/** One row's run, where neither the statement nor the cascade has a `timeout`. */
export const RUN_TIMEOUT_MS = 300_000;
/** One `js` cell without a `timeout`; it holds against an endless loop. */
export const JS_CELL_TIMEOUT_MS = 30_000;
/** Steps of one run, so that a routing circle ends: each cell, take, redo and ward is one. */
export const RUN_MAX_CELL_STEPS = 1_000;
/** Advisories of one chunk that are kept; the rest are counted. */
export const ADVISORIES_KEPT = 100;
/** Nesting of a value that a cell returns. */
export const VALUE_MAX_DEPTH = 64;
/** JSON text of a value that a cell returns. */
export const VALUE_MAX_BYTES = 8 * 1024 * 1024;

// Model calls
/** Body of one response of a provider. */
export const MODEL_RESPONSE_MAX_BYTES = 4 * 1024 * 1024;
/** A streamed response: each token of an answer is an event of 200 bytes and more. */
export const MODEL_STREAM_MAX_BYTES = 64 * 1024 * 1024;
/** Between two pieces of a response, where its provider has no `idle_timeout`. */
export const MODEL_GAP_MS = 60_000;
/** Nesting of a provider's response, and of the JSON in an answer. */
export const ANSWER_MAX_DEPTH = 64;
/** What is kept of an answer that could not be used. */
export const RAW_ANSWER_CHARS = 4_096;
/** Characters of a provider's own words that an error message repeats. */
export const PROVIDER_MESSAGE_CHARS = 200;
/** The longest wait that a Retry-After may ask for. */
export const RETRY_AFTER_MAX_MS = 60_000;
/** Output tokens that a call is expected to take before its statement has seen one, where nothing caps them. */
export const CALL_OUTPUT_TOKENS = 256;
/** Bytes of an image, and of all images of a prompt: https://docs.anthropic.com/en/docs/build-with-claude/vision */
export const IMAGE_MAX_BYTES = 5_000_000;
export const IMAGES_MAX_BYTES = 20_000_000;
/** What an image counts as where its size is not looked at: the most that one takes without being scaled down. */
export const IMAGE_TOKENS = 1_600;
/** Attempts at a call that fails for a while, where neither the statement nor the cell says how many. */
export const RETRY_ATTEMPTS = 3;
/** A connection without a call is closed after this, unless the provider says how long it keeps one. */
export const MODEL_IDLE_MS = 4_000;

// Configuration, and the rates in it
/** The window that rates hold for where `window` does not say otherwise. */
export const RATE_WINDOW_MS = 60_000;

// The journal on disk
/** A record is on disk at most this long after it was written, … */
export const JOURNAL_COMMIT_MS = 20;
/** … one that no payment hangs on (rows that have settled) at most this long, … */
export const JOURNAL_ROWS_MS = 1_000;
/** … or as soon as this many wait. */
export const JOURNAL_COMMIT_RECORDS = 64;
/** Encoded lines that wait in memory before they are handed to the system. */
export const JOURNAL_BUFFER_BYTES = 256 * 1024;
/** A segment that has grown to this is sealed and another begun, … */
export const JOURNAL_SEGMENT_MAX_BYTES = 32 * 1024 * 1024;
/** … or when it is this old, … */
export const JOURNAL_SEGMENT_MAX_AGE_MS = 6 * 3_600_000;
/** … or when nothing was written to it for this long. */
export const JOURNAL_SEGMENT_IDLE_MS = 30 * 60_000;
/** An unsealed segment of a dead process is taken for finished when nothing was written to it for this long. */
export const JOURNAL_SEGMENT_ABANDONED_MS = 2 * JOURNAL_SEGMENT_IDLE_MS;
/** What other processes have written is looked for at most this often. */
export const JOURNAL_REFRESH_MS = 100;
/** A line that is longer is damaged. */
export const JOURNAL_LINE_MAX_BYTES = 64 * 1024 * 1024;
/** Bytes of a segment that one read brings in. */
export const JOURNAL_READ_BYTES = 256 * 1024;
/** Bytes that a search for an answer brings in at least, … */
export const JOURNAL_ANSWER_READ_BYTES = 4 * 1024;
/** … and where the one before it stands near: those that were bought together are asked for together. */
export const JOURNAL_READ_AHEAD_BYTES = 64 * 1024;
/** Of the newest part of a journal, the end of the line that stands across its start is looked for in this much. */
export const JOURNAL_LINE_BYTES = 64 * 1024;
/** Segments of which a process holds a file open to read answers from. */
export const JOURNAL_OPEN_FILES = 32;
/** An unsealed segment gets a key index when this much of it lies beyond the one that it has. */
export const JOURNAL_INDEX_AFTER_BYTES = 1024 * 1024;
/** Answers whose place on disk a process keeps in memory (48 to 96 bytes each); older ones are not found. */
export const ANSWERS_INDEX_ENTRIES = 4_000_000;
/** Characters of the answers kept in memory, their keys included, … */
export const ANSWERS_WARM_CHARS = 64 * 1024 * 1024;
/** … where each counts this much more: about 200,000 short answers. */
export const ANSWERS_WARM_EXTRA_CHARS = 256;
/** Calls of other processes that have begun and not ended which a process keeps track of. */
export const UNENDED_MAX_CALLS = 100_000;
/** The lock of a statement that another machine resumes is passed over after this. */
export const RUN_LOCK_STALE_MS = 24 * 3_600_000;
/** A lock without its owner's name is passed over after this: the owner died before it had written it. */
export const RUN_LOCK_NAMELESS_MS = 10_000;
/** Bytes of segments that compaction puts into one Parquet file. */
export const COMPACT_BATCH_BYTES = 256 * 1024 * 1024;
/** Records that compaction hands to DuckDB at a time. */
export const COMPACT_APPEND_RECORDS = 8_192;
/** The lock of a process on another machine is passed over after this. */
export const JOURNAL_LOCK_STALE_MS = 24 * 3_600_000;
/** Taking the lock of a dead process over takes some file operations; a right to do so that is older is left over. */
export const JOURNAL_TAKEOVER_MS = 60_000;

// Cascade files
export const CASCADE_MAX_BYTES = 256 * 1024;
export const CASCADE_MAX_DEPTH = 64;
/** Problems of one file that its error lists; the rest are counted. */
export const CASCADE_MAX_PROBLEMS = 20;
/** Characters that one template may render. */
export const TEMPLATE_MAX_OUTPUT = 1024 * 1024;
/** Memory of the template engine, so that `"x" * 1e9` ends in an error and not in the process's memory. */
export const TEMPLATE_MAX_MEMORY = 64 * 1024 * 1024;

// Operators
/** Arguments of one operator. */
export const OPERATOR_MAX_ARGS = 8;

// The account
/** Failures kept on a summary; the rest are counted. */
export const SUMMARY_MAX_FAILURES = 100;
/** Characters of a row value that an error message may show. */
export const MESSAGE_VALUE_CHARS = 80;
/** Characters of the message of something thrown that is not our own error. */
export const MESSAGE_CHARS = 500;

// Time
/** A wall clock that is ahead of the monotonic one by more than this was set, or the machine has slept. */
export const CLOCK_STEP_MS = 1_000;
/** The longest wait of one timer; Node fires a longer one at once. */
export const TIMER_MAX_MS = 2 ** 31 - 1;
