/** Every bound of the engine, by name. A bound that is hit is a named error, never a hang. */
export { MAX_PARALLEL } from '../grammar/limits.ts';

// Rows
/** Rows that a MAP reads when neither its query nor `limit` says otherwise. */
export const MAP_DEFAULT_ROWS = 1_000;
/** Rows that a RUN reads when neither its query nor `limit` says otherwise. */
export const RUN_DEFAULT_ROWS = 10_000;

// Chunks and lanes
/** Rows in one chunk at most; also DuckDB's vector size, so that a chunk never spans three of them. */
export const CHUNK_MAX_ROWS = 2_048;
/** A chunk grows while one takes less than this in the worker. */
export const CHUNK_TARGET_MS = 5;
/** Runs that wait for models travel together up to this many, … */
export const CHUNK_WAITING_RUNS = 4;
/** … while a chunk of them takes less than this: a task costs more than a short call's own work. */
export const CHUNK_WAITING_MS = 200;
/** After this a chunk gives back the runs that it has not begun. */
export const CHUNK_GIVE_BACK_MS = 2 * CHUNK_WAITING_MS;
/** A chunk takes no more than this part of what is left for each lane, … */
export const CHUNK_PART_OF_REST = 1 / 2;
/** … and of runs that wait, whose times differ by more than those of cheap ones, than this: at a half the last rows take 3 % longer. */
export const CHUNK_WAITING_PART_OF_REST = 1 / 4;
/** Runs that may be read, in flight or waiting for an earlier one, beyond what has been delivered. */
export const WINDOW_MAX_RUNS = 65_536;
/** Chunks likewise: this many, … */
export const WINDOW_MAX_CHUNKS = 256;
/** … or this many a lane, where that is more: a run of some times the mean must not stop the others. */
export const WINDOW_CHUNKS_PER_LANE = 16;
/** Settled runs that are written to the session's DuckDB in one go, … */
export const STORE_FLUSH_RUNS = 8_192;
/** … or as soon as their values reach this many characters. */
export const STORE_FLUSH_BYTES = 4 * 1024 * 1024;
/** … or when a quarter of the window waits, or after this at the latest: a flush takes 3 ms, however few they are. */
export const STORE_FLUSH_MS = 1_000;
/** A result that is read while it grows is written after this at the latest. */
export const STREAM_FLUSH_MS = 15;
/** Rows that one read from the staged table brings into JavaScript. */
export const READ_SLICE_ROWS = 16_384;

// Workers
/** Threads of an engine that is not told how many, at most. */
export const MAX_DEFAULT_THREADS = 8;
/** Worker deaths without a settled row in between after which a statement gives up. */
export const MAX_FRUITLESS_WORKER_DEATHS = 10;
/** Deaths of a worker with the same row under its hands after which the row alone is failed. */
export const POISON_DEATHS = 2;
/** From a worker's start to its first word. */
export const WORKER_BOOT_MS = 5_000;
/** A pool that has lost threads for good is made anew, and not again within this. */
export const POOL_RENEW_MS = 5_000;
/** A worker whose event loop does not turn for this long, while it owes answers, is ended. */
export const HEARTBEAT_LOST_MS = 5_000;
/** A chunk whose rows have had their time is given up after this, while nothing runs in the workers. */
export const ANSWER_SLACK_MS = 2_000;
/** Cancelled, and as many drained, statements whose late chunks a worker turns away, and of which one that starts late is told. */
export const ENDINGS_KEPT = 1_000;
/** From an abort to the settling of what was aborted. */
export const ABORT_SETTLE_MS = 1_000;

/** Chunks that wait for models gather on one worker up to this many, … */
export const GATHER_MAX_CHUNKS = 256;
/** … while its event loop is busy for less than this part of the time. */
export const GATHER_MAX_UTILIZATION = 0.7;

// Runs
/** One row's run, where neither the statement nor the cascade has a `timeout`. */
export const RUN_TIMEOUT_MS = 300_000;
/** One `js` cell without a `timeout`; it holds against an endless loop. */
export const JS_CELL_TIMEOUT_MS = 30_000;
/** Steps of one run, so that a routing circle ends: each cell, take, redo and ward is one. */
export const RUN_MAX_CELL_STEPS = 1_000;
/** Times that a cell's `takes` may be done. */
export const TAKES_MAX_FACTOR = 100;
/** Attempts that a ward with `mode: retry` allows where it does not say, the first one included. */
export const WARD_ATTEMPTS = 3;
/** Characters of a ward's reason that are kept and shown. */
export const WARD_REASON_CHARS = 500;
/** Advisories of one chunk that are kept; the rest are counted. */
export const ADVISORIES_KEPT = 100;
/** Advisories that a notice shows. */
export const ADVISORIES_SHOWN = 3;
/** Nesting of a value that a cell returns. */
export const VALUE_MAX_DEPTH = 64;
/** JSON text of a value that a cell returns. */
export const VALUE_MAX_BYTES = 8 * 1024 * 1024;
/** Rows that a `sql_data` cell may hand to the cells after it. */
export const SQL_CELL_MAX_ROWS = 10_000;

// Parameters
/** Nesting of an array or object that is bound as JSON. */
export const PARAMETER_MAX_DEPTH = 1_000;

// Model calls
/** One call of a model, from its first byte to the last of its answer. */
export const MODEL_CALL_TIMEOUT_MS = 120_000;
/** Body of one response of a provider. */
export const MODEL_RESPONSE_MAX_BYTES = 4 * 1024 * 1024;
/** Nesting of a provider's response, and of the JSON in an answer. */
export const ANSWER_MAX_DEPTH = 64;
/** Characters that the search for JSON in an answer looks at, for each character of it. */
export const ANSWER_SCAN_FACTOR = 8;
/** Bracketed parts of an answer that it tries to read. */
export const ANSWER_MAX_CANDIDATES = 1_000;
/** What is kept of an answer that could not be used. */
export const RAW_ANSWER_CHARS = 4_096;
/** Bytes of a compressed one that are unpacked for it: far more than the text that is kept. */
export const PACKED_ANSWER_BYTES = 64 * 1024;
/** Characters of a provider's own words that an error message repeats. */
export const PROVIDER_MESSAGE_CHARS = 200;
/** The longest wait that a Retry-After may ask for. */
export const RETRY_AFTER_MAX_MS = 60_000;
/** Output tokens that a call is expected to take before its statement has seen one, where nothing caps them. */
export const CALL_OUTPUT_TOKENS = 256;
/** Answers that a statement with `cache = false` keeps for its own equal calls. */
export const STATEMENT_MAX_ANSWERS = 10_000;
/** Calls that a provider answers with 401, without an answer between, before no more are made. */
export const CIRCUIT_REJECTIONS = 3;
/** Answers of a statement's calls that cannot be used, without a usable one between, before it makes no more calls. */
export const UNUSABLE_ANSWERS = 20;
/** Attempts at a call that fails for a while, where neither the statement nor the cell says how many. */
export const RETRY_ATTEMPTS = 3;
/** The wait before the second attempt, … */
export const RETRY_BASE_MS = 500;
/** … and the longest one, unless the provider asks for more. */
export const RETRY_MAX_WAIT_MS = 30_000;
/** From the first packet to an open connection, TLS included. */
export const MODEL_CONNECT_MS = 10_000;
/** A connection without a call is closed after this, unless the provider says how long it keeps one. */
export const MODEL_IDLE_MS = 4_000;
/** A file of recorded calls; a worker holds it in memory. */
export const RECORDING_MAX_BYTES = 64 * 1024 * 1024;
/** Characters of a prompt that word overlap looks at. */
export const LEXICAL_MAX_CHARS = 64 * 1024;
/** Providers (settings that differ) that a worker keeps connections to. */
export const WORKER_MAX_PROVIDERS = 64;

// Configuration, and the rates in it
/** Rates and prices beyond this are slips of the keyboard. */
export const CONFIG_MAX_NUMBER = 1e12;
/** The window that rates hold for where `window` does not say otherwise. */
export const RATE_WINDOW_MS = 60_000;
/** The longest `window`. */
export const RATE_WINDOW_MAX_MS = 3_600_000;

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
/** Keys that one `cache.clear` record names. */
export const CLEAR_MAX_KEYS = 1_000;

// Cascade files
export const CASCADE_MAX_BYTES = 256 * 1024;
export const CASCADE_MAX_DEPTH = 64;
export const CASCADE_MAX_KEYS = 2_000;
export const CASCADE_MAX_CELLS = 200;
export const CASCADE_MAX_NESTING = 8;
/** Items of any kind (list entries, keys, commas) in one file; parsing time grows with them. */
export const CASCADE_MAX_ITEMS = 10_000;
/** Characters of a cascade's name as a statement gives it. */
export const CASCADE_MAX_PATH = 1_024;
/** Folders and files that the search for a misspelt cascade looks at. */
export const CASCADE_SEARCH_ENTRIES = 2_000;
/** Problems of one file that its error lists; the rest are counted. */
export const CASCADE_MAX_PROBLEMS = 20;
/** Characters that one template may render. */
export const TEMPLATE_MAX_OUTPUT = 1024 * 1024;
/** Instructions that one template or expression may execute. */
export const TEMPLATE_FUEL = 1_000_000;
/** Memory of the template engine, so that `"x" * 1e9` ends in an error and not in the process's memory. */
export const TEMPLATE_MAX_MEMORY = 64 * 1024 * 1024;

// Operators
/** Files in the folder `operators/`. */
export const OPERATOR_MAX_FILES = 500;
/** Arguments of one operator. */
export const OPERATOR_MAX_ARGS = 8;
/** Entries of one `sql_function.operators`. */
export const OPERATOR_MAX_SPELLINGS = 16;
/** Cascade roots whose operators a process keeps. */
export const OPERATOR_ROOTS_KEPT = 16;

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
/** A timer that is late by less than this is on time. */
export const TIMER_SLACK_MS = 2;
/** The longest wait of one timer; Node fires a longer one at once. */
export const TIMER_MAX_MS = 2 ** 31 - 1;

// Functions that run a cascade
/** Characters of the JSON that one call is given. */
export const SEED_JSON_MAX_CHARS = 64 * 1024 * 1024;
/** Rows in the list that one call is given. */
export const SEED_MAX_ROWS = 100_000;

// Semantic SQL
/** Operators in one statement. */
export const SEMANTIC_MAX_OPERATORS = 200;
/** Calls in flight at most where a semantic statement does not say `parallel`. */
export const SEMANTIC_PARALLEL = 10;
/** Predicted calls above which a semantic statement is refused, where it does not say `max_calls`. */
export const SEMANTIC_MAX_CALLS = 10_000;
/** Pairs of two columns' values above which it is refused, where it does not say `max_pairs`. */
export const SEMANTIC_MAX_PAIRS = 100_000;
/** Candidates that several conditions are tried on, so that the one that leaves least is asked first, … */
export const SEMANTIC_SAMPLE_ROWS = 20;
/** … and no larger part of all candidates than this. */
export const SEMANTIC_SAMPLE_PART = 0.04;
/** Rows that a query with a LIMIT looks at in one go, in their order. */
export const SEMANTIC_WINDOW_ROWS = 16_384;
/** Questions of one operator that a pass may leave open; it ends when there are more. */
export const SEMANTIC_MAX_OPEN = 1_000_000;
/** Look-ups of a pass from which they are made inside DuckDB, by joining the answers. */
export const SEMANTIC_NATIVE_ROWS = 20_000;
/** Operators within one another above which they are not: such a look-up names its argument twice, so it doubles the query. */
export const SEMANTIC_NATIVE_DEPTH = 4;
/** Semantic conditions of a query of which each prefix is a condition too: their number grows with its square. */
export const SEMANTIC_MAX_PREFIXES = 4;
/** Criteria of one operator that have a column each where look-ups are joins; more are rows. */
export const SEMANTIC_WIDE_CRITERIA = 16;
/** Times that a statement is run to find the answers that it needs: each run asks only what those before it did not meet. */
export const SEMANTIC_MAX_PASSES = 200;
/** The same of a statement that changes data and has no query that meets its questions, e.g. MERGE. */
export const SEMANTIC_MAX_STRICT_PASSES = 1_000;
/** Score from which `ABOUT` and the like hold where a BOOLEAN is needed and nothing else is said. */
export const SEMANTIC_THRESHOLD = 0.5;
