/** Bounds that users meet or that several folders share. Every other bound stands beside what it bounds. */
export { MAX_PARALLEL } from '../grammar/limits.ts';

// Rows
/** Rows that a MAP reads when neither its query nor `limit` says otherwise. */
export const MAP_DEFAULT_ROWS = 1_000;
/** Rows that a RUN reads when neither its query nor `limit` says otherwise. */
export const RUN_DEFAULT_ROWS = 10_000;

// Chunks and lanes
/** The most rows in one chunk. It is also DuckDB's vector size, so that a chunk never spans three vectors. */
export const CHUNK_MAX_ROWS = 2_048;
/** Runs that wait for models share a chunk that takes less than this: a task costs more than a short call's work. */
export const CHUNK_WAITING_MS = 200;
/** After this time, a chunk gives back the runs that it has not begun. */
export const CHUNK_GIVE_BACK_MS = 2 * CHUNK_WAITING_MS;
/** The most runs that wait for batches of their providers, or for an earlier such run. */
export const ORDERED_MAX_RUNS = 100_000;
/** The most runs that may be read, in flight, or done and waiting for an earlier run, before they are delivered. */
export const WINDOW_MAX_RUNS = 65_536;

// Workers
/** The most worker threads of an engine without the option `threads`. */
export const MAX_DEFAULT_THREADS = 8;
/**
 * The number of cancelled statements, and of drained statements, that are remembered: a worker refuses their late
 * chunks, and a worker that starts late is told of them.
 */
export const STOPS_KEPT = 1_000;
/** The longest time from an abort until the aborted work settles. */
export const ABORT_SETTLE_MS = 1_000;

/** The most chunks waiting for models that gather on one worker. */
export const GATHER_MAX_CHUNKS = 256;

// Runs
/** The timeout of one row's run, if neither the statement nor the cascade has a `timeout`. */
export const RUN_TIMEOUT_MS = 300_000;
/** The timeout of a `js` cell without a `timeout`. It also ends an endless loop. */
export const JS_CELL_TIMEOUT_MS = 30_000;
/** The most steps of one run, so that a routing loop ends. Each cell, take, redo and ward is a step. */
export const RUN_MAX_CELL_STEPS = 1_000;
/** The number of advisories of one chunk that are kept. Further advisories are only counted. */
export const ADVISORIES_KEPT = 100;
/** The deepest nesting of a value that a cell returns. */
export const VALUE_MAX_DEPTH = 64;
/** The largest JSON text of a value that a cell returns. */
export const VALUE_MAX_BYTES = 8 * 1024 * 1024;

// Model calls
/** The largest body of one response of a provider. */
export const MODEL_RESPONSE_MAX_BYTES = 4 * 1024 * 1024;
/** The largest streamed response. Each token of an answer is an event of 200 bytes and more. */
export const MODEL_STREAM_MAX_BYTES = 64 * 1024 * 1024;
/** The longest time between two pieces of a response, if its provider has no `idle_timeout`. */
export const MODEL_GAP_MS = 60_000;
/** The deepest nesting of a provider's response, and of the JSON in an answer. */
export const ANSWER_MAX_DEPTH = 64;
/** Characters that are kept of an answer that could not be used. */
export const RAW_ANSWER_CHARS = 4_096;
/** Characters of a provider's own message that an error message repeats. */
export const PROVIDER_MESSAGE_CHARS = 200;
/** The longest wait that a Retry-After may ask for. */
export const RETRY_AFTER_MAX_MS = 60_000;
/** The expected output tokens of a call without a cap, before its statement has seen the output of any call. */
export const CALL_OUTPUT_TOKENS = 256;
/** The largest image: https://docs.anthropic.com/en/docs/build-with-claude/vision */
export const IMAGE_MAX_BYTES = 5_000_000;
/** The most bytes of all images of a prompt together; same source as `IMAGE_MAX_BYTES`. */
export const IMAGES_MAX_BYTES = 20_000_000;
/** The tokens that each image counts as, whatever its size: the most that an image takes without being scaled down. */
export const IMAGE_TOKENS = 1_600;
/** The approximate number of characters of a prompt per token. */
export const CHARS_PER_TOKEN = 4;
/** The attempts at a call that fails temporarily, if neither the statement nor the cell gives their number. */
export const RETRY_ATTEMPTS = 3;
/** A connection without a call is closed after this time, unless the provider says how long it keeps a connection. */
export const MODEL_IDLE_MS = 4_000;

// Configuration, and the rates in it
/** The window of time for which rates hold, without the setting `window`. */
export const RATE_WINDOW_MS = 60_000;

// The journal on disk
/** A record on which a payment depends is on disk at most this long after it was written. */
export const JOURNAL_COMMIT_MS = 20;
/** A record on which no payment depends, such as that of settled rows, is on disk at most this long after writing. */
export const JOURNAL_ROWS_MS = 1_000;
/** The number of waiting records at which they go to disk at once. */
export const JOURNAL_COMMIT_RECORDS = 64;
/** Bytes of encoded lines that may wait in memory before they are handed to the system. */
export const JOURNAL_BUFFER_BYTES = 256 * 1024;
/** A segment of this size is sealed, and the next segment is begun. */
export const JOURNAL_SEGMENT_MAX_BYTES = 32 * 1024 * 1024;
/** A segment of this age is sealed, and the next segment is begun. */
export const JOURNAL_SEGMENT_MAX_AGE_MS = 6 * 3_600_000;
/** A segment to which nothing was written for this long is sealed, and the next segment is begun. */
export const JOURNAL_SEGMENT_IDLE_MS = 30 * 60_000;
/** An unsealed segment of a dead process counts as finished when nothing was written to it for this long. */
export const JOURNAL_SEGMENT_ABANDONED_MS = 2 * JOURNAL_SEGMENT_IDLE_MS;
/** The shortest time between two searches for records that other processes have written. */
export const JOURNAL_REFRESH_MS = 100;
/** The longest line of the journal. A longer line counts as damaged. */
export const JOURNAL_LINE_MAX_BYTES = 64 * 1024 * 1024;
/** Bytes of a segment that one read fetches. */
export const JOURNAL_READ_BYTES = 256 * 1024;
/** The fewest bytes that one read for an answer fetches. */
export const JOURNAL_ANSWER_READ_BYTES = 4 * 1024;
/**
 * Bytes that one read for an answer fetches if the previous answer is this near, because answers that were bought
 * together are also read together.
 */
export const JOURNAL_READ_AHEAD_BYTES = 64 * 1024;
/** The newest part of a journal may start within a line. The end of that line is searched in this many bytes. */
export const JOURNAL_LINE_BYTES = 64 * 1024;
/** The most segment files that a process keeps open to read answers. */
export const JOURNAL_OPEN_FILES = 32;
/** An unsealed segment gets a new key index when its last key index does not cover this many bytes. */
export const JOURNAL_INDEX_AFTER_BYTES = 1024 * 1024;
/** The most answers whose place on disk a process keeps in memory (48 to 96 bytes each). It finds no older answers. */
export const ANSWERS_INDEX_ENTRIES = 4_000_000;
/** The most characters of the answers kept in memory, with their keys and `ANSWERS_WARM_EXTRA_CHARS` for each. */
export const ANSWERS_WARM_CHARS = 64 * 1024 * 1024;
/** Characters by which each answer in memory counts as longer: about 200,000 short answers fit. */
export const ANSWERS_WARM_EXTRA_CHARS = 256;
/** The most calls of other processes, begun but not ended, of which a process keeps track. */
export const UNENDED_MAX_CALLS = 100_000;
/** The lock of a statement that another machine resumes is ignored after this time. */
export const RUN_LOCK_STALE_MS = 24 * 3_600_000;
/** A lock without its owner's name is ignored after this time, because the owner died before it wrote the name. */
export const RUN_LOCK_NAMELESS_MS = 10_000;
/** Bytes of segments that compaction puts into one Parquet file. */
export const COMPACT_BATCH_BYTES = 256 * 1024 * 1024;
/** Records that compaction hands to DuckDB at a time. */
export const COMPACT_APPEND_RECORDS = 8_192;
/** The lock of a process on another machine is ignored after this time. */
export const JOURNAL_LOCK_STALE_MS = 24 * 3_600_000;
/** To take over the lock of a dead process takes only some file operations. An older takeover right is left over. */
export const JOURNAL_TAKEOVER_MS = 60_000;

// Cascade files
export const CASCADE_MAX_BYTES = 256 * 1024;
export const CASCADE_MAX_DEPTH = 64;
/** The number of problems of one file that its error lists. Further problems are only counted. */
export const CASCADE_MAX_PROBLEMS = 20;
/** Characters that one template may render. */
export const TEMPLATE_MAX_OUTPUT = 1024 * 1024;
/** The memory of the template engine, so that `"x" * 1e9` ends in an error and does not fill the process's memory. */
export const TEMPLATE_MAX_MEMORY = 64 * 1024 * 1024;

// Operators
/** The most arguments of one operator. */
export const OPERATOR_MAX_ARGS = 8;

// The account
/** The number of failures kept on a summary. Further failures are only counted. */
export const SUMMARY_MAX_FAILURES = 100;
/** Characters of a row value that an error message may show. */
export const MESSAGE_VALUE_CHARS = 80;
/** Characters that a failure keeps of the message of anything thrown. */
export const MESSAGE_CHARS = 500;

// Time
/** If the wall clock is ahead of the monotonic clock by more than this, it was set, or the machine has slept. */
export const CLOCK_STEP_MS = 1_000;
/** The longest wait of one timer. Node fires a longer timer at once. */
export const TIMER_MAX_MS = 2 ** 31 - 1;

// Jobs
/** The jobs that an engine runs at once, without the setting `jobs.running`. */
export const JOBS_RUNNING = 2;
/** The jobs of a state folder that may wait or run, without the setting `jobs.queued`. */
export const JOBS_QUEUED = 100;
/** The ended jobs of a state folder that are remembered. */
export const JOBS_KEPT = 1_000;
/** The most bytes that the rows of one job take on disk. */
export const JOB_ROWS_MAX_BYTES = 2 ** 30;
/** The lease of a job that a process of another machine has not renewed for this long may be taken over. */
export const JOB_LEASE_MS = 60_000;
/** The longest wait of RVBBIT AWAIT without a timeout. */
export const JOB_AWAIT_MS = 3_600_000;
/**
 * A job begins this long after it was submitted, or after its engine was opened, so that a process that only runs one
 * short statement buys no answers that it does not wait for.
 */
export const JOB_START_MS = 250;
