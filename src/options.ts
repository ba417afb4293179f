/** The options of the engine and its calls, with their defaults and their validator. */
import type { DuckDBInstance } from '@duckdb/node-api';
import { Purse } from './calls/purse.ts';
import { rootsOf } from './cascade/resolve-path.ts';
import type { Parameters } from './duck/parameters.ts';
import { RvbbitError } from './errors.ts';
import type { JobSettings } from './jobs/job-folder.ts';
import type { JournalOptions } from './journal/disk/disk-journal.ts';
import { MAX_PARALLEL } from './limits.ts';
import type { ModelFunction } from './model/chat.ts';
import type { ModelOptions } from './model/models.ts';
import type { ModelPrice } from './model/prices.ts';
import type { Summary, ValueForm } from './result.ts';
import {
  BOOLEAN,
  checkOptions,
  hasMethods,
  MAPPING,
  type OptionRules,
  SIGNAL,
  TEXT,
  wholeNumber,
} from './util/check-options.ts';
import type { Logger } from './util/logger.ts';

const DEFAULT_SESSIONS = 64;
const MAX_SESSIONS = 10_000;
const MAX_SESSION_WAIT_MS = 86_400_000;

export interface EngineOptions {
  /** A DuckDB file, `:memory:` (default), or an instance that you own and close. */
  readonly database?: string | DuckDBInstance;
  /** Opens the database file read-only: DuckDB refuses every change to it. Temporary tables are allowed. Default false. */
  readonly readOnly?: boolean;
  /**
   * The cascade root. Paths in statements are relative to it and cannot leave it. Of several roots the first one that has
   * the file counts. Default: `cascades` of the configuration file, else the working folder.
   */
  readonly cascades?: string | readonly string[];
  /** The folder of the journal. `false` (the API's default): no journal; answers are kept while the engine is open. */
  readonly stateDir?: string | false;
  /** The content and the size of the journal. */
  readonly journal?: {
    /** True keeps prompts too. Default false. */
    readonly prompts?: boolean;
    /** Keeps answers, so that later statements find them. Default true. false turns off the cache, and so resuming. */
    readonly answers?: boolean;
    /** The age of records, e.g. `30d`, beyond which they are removed. Default: none. */
    readonly maxAge?: string | number;
    /** The size beyond which the oldest records are removed. Default: none. */
    readonly maxBytes?: number;
    /** The size at which a segment is sealed and the next segment is begun. Default 32 MiB. */
    readonly segmentMaxBytes?: number;
  };
  /** How many jobs (statements with ASYNC) this engine runs at once, and how many may wait or run. Default 2 and 100. */
  readonly jobs?: { readonly running?: number; readonly queued?: number };
  /** Providers by id, as in `rvbbit.config.yaml`. A URL or a key comes only from here, `configFile` or `env`. */
  readonly providers?: Readonly<Record<string, unknown>>;
  /** `<provider id>/<name>` for cells that name no model, or a function that answers in place of a provider. */
  readonly model?: string | ModelFunction;
  /** The price of the model function's calls, in US dollars per million tokens. Without it, the calls are uncosted. */
  readonly modelPrice?: {
    readonly inputPerMtok: number;
    readonly outputPerMtok: number;
    /** The price of input from a cache. Default: that of other input. */
    readonly cachedInputPerMtok?: number;
    /** The price of input that is put into a cache. Default: that of other input. */
    readonly cacheWritePerMtok?: number;
  };
  /** The path of `rvbbit.config.yaml`. The file is read once, with the first statement that needs it. */
  readonly configFile?: string;
  /** Environment variables, e.g. `process.env`: OPENAI_API_KEY, ANTHROPIC_API_KEY, OLLAMA_HOST, RVBBIT_MODEL. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The number of lanes of a statement without PARALLEL. Default 1; 10 for a semantic statement. */
  readonly parallel?: number;
  /** The number of sessions that may be open at the same time, besides the engine's own. Default 64. */
  readonly sessions?: number;
  /** The most worker threads, which start as they are needed. Default: one per core, at least 1, at most 8. */
  readonly threads?: number;
  readonly limits?: {
    /** Heap of one worker thread in MiB. Default 512. */
    readonly workerHeapMb?: number;
    /** Resident set of the process in MiB above which the worker at fault is ended. Default: 3/4 of the memory. */
    readonly rssMb?: number;
  };
  /** Receives the engine's own messages. Without it, the engine is silent. */
  readonly logger?: Logger;
  /** Closes the engine when it aborts. */
  readonly signal?: AbortSignal;
}

export interface QueryOptions {
  /** Cancels the statement, which then settles within a second with RVB_CANCELLED. */
  readonly signal?: AbortSignal;
  /** Ends the statement early: no further row begins, rows in flight end, and the completed rows are the result. */
  readonly drain?: AbortSignal;
  /** Called once a second while the statement runs, with its account so far. What it throws ends the statement. */
  readonly onProgress?: (soFar: Summary) => void;
  /** The form of the values. Default `js`. */
  readonly valueForm?: ValueForm;
  /** Recorded with the statement, e.g. `cli`, `service`. Default `api`. */
  readonly origin?: string;
  /**
   * The name of the file to which you write the rows. The statement then fails if its result would replace something by
   * nothing, as a statement that writes a table does. Keep the old file until the last row has come.
   */
  readonly writes?: string;
  /** The session of the statement that this statement resumes. It is recorded with the statement. */
  readonly resumes?: string;
  /** PARALLEL of a resumed statement, instead of the PARALLEL in its text, as in `rvbbit resume --parallel`. */
  readonly resumeParallel?: number;
}

/** The options of `describe`. */
export interface DescribeOptions extends Pick<QueryOptions, 'signal'> {
  /** DuckDB's types of `$1`, `$2`, … where you know them. They count where the statement does not say. */
  readonly parameterTypes?: readonly (string | undefined)[];
  /** The values of `$1`, `$2`, …, for a statement whose columns depend on them, such as `FROM read_csv($1)`. */
  readonly parameters?: Parameters;
}

/** The options of `session`. */
export interface SessionOptions {
  /** Ends the wait for a free place among the sessions. */
  readonly signal?: AbortSignal;
  /** The longest wait for a free place among the sessions, in milliseconds. Default 10,000. */
  readonly timeoutMs?: number;
  /**
   * True: statements only read tables and views of the database, and may make temporary tables. Whatever else they or
   * the SQL of their cascades do is refused (SQLSTATE 42501). Default false.
   */
  readonly readOnly?: boolean;
  /** The money and calls that the session's statements may spend, together with whatever else spends from it. */
  readonly purse?: Purse;
  /**
   * True: DuckDB's prepared form of a statement with parameters is kept for its next run, as clients of Postgres expect.
   *
   * @internal
   */
  readonly keepsPrepared?: boolean;
  /**
   * The most bytes of the rows that open streams have not delivered yet when another statement wants the connection.
   *
   * @internal
   */
  readonly heldBytes?: number;
}

/** The options of `runCascade`. */
export interface RunCascadeOptions extends Pick<QueryOptions, 'signal' | 'origin'> {
  /** The model that replaces those that the cascade's cells name. */
  readonly model?: string;
}

const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/**
 * The options with every default filled in.
 *
 * @internal
 */
export interface ResolvedOptions extends ModelOptions {
  readonly database: string | DuckDBInstance;
  readonly readOnly: boolean;
  readonly cascades: readonly string[] | undefined;
  readonly parallel: number | undefined;
  readonly sessions: number;
  readonly threads: number;
  readonly workerHeapMb: number;
  readonly rssMb: number | undefined;
  readonly logger: Logger;
  readonly signal: AbortSignal | undefined;
  readonly stateDir?: string;
  readonly journal: JournalOptions;
  readonly jobs: JobSettings;
}

const ENGINE_OPTIONS: OptionRules<EngineOptions> = {
  database: {
    takes: 'a file, :memory: or a DuckDBInstance',
    fits: (value) => TEXT.fits(value) || hasMethods(value, ['connect', 'closeSync']),
  },
  readOnly: { takes: 'true or false', fits: (value) => typeof value === 'boolean' },
  cascades: {
    takes: 'a folder path, or a list of them',
    fits: (value) =>
      TEXT.fits(value) || (Array.isArray(value) && value.length > 0 && value.every(TEXT.fits)),
  },
  stateDir: {
    takes: 'a folder path, or false to keep nothing',
    fits: (value) => value === false || TEXT.fits(value),
  },
  journal: MAPPING,
  jobs: MAPPING,
  providers: { ...MAPPING, isSecret: true },
  model: {
    takes: "a name such as 'openai/gpt-4o-mini', or a function",
    fits: (value) => TEXT.fits(value) || typeof value === 'function',
  },
  modelPrice: MAPPING,
  configFile: { ...TEXT, takes: 'a file path' },
  env: { ...MAPPING, isSecret: true },
  parallel: wholeNumber(MAX_PARALLEL),
  sessions: wholeNumber(MAX_SESSIONS),
  threads: wholeNumber(64),
  limits: MAPPING,
  logger: {
    takes: 'an object with debug, info, warn and error',
    fits: (value) => hasMethods(value, Object.keys(SILENT)),
  },
  signal: SIGNAL,
};

const DOLLARS = {
  takes: 'US dollars per million tokens, from 0',
  fits: (value: unknown) => typeof value === 'number' && value >= 0 && value < Infinity,
};

const MODEL_PRICE: OptionRules<NonNullable<EngineOptions['modelPrice']>> = {
  inputPerMtok: DOLLARS,
  outputPerMtok: DOLLARS,
  cachedInputPerMtok: DOLLARS,
  cacheWritePerMtok: DOLLARS,
};

const LIMITS: OptionRules<NonNullable<EngineOptions['limits']>> = {
  workerHeapMb: wholeNumber(65_536),
  rssMb: wholeNumber(2 ** 24),
};

const QUERY_OPTIONS: OptionRules<QueryOptions> = {
  signal: SIGNAL,
  drain: SIGNAL,
  onProgress: { takes: 'a function', fits: (value) => typeof value === 'function' },
  valueForm: {
    takes: 'js, json or json-numbers',
    fits: (value) => value === 'js' || value === 'json' || value === 'json-numbers',
  },
  origin: TEXT,
  writes: TEXT,
  resumes: TEXT,
  resumeParallel: wholeNumber(MAX_PARALLEL),
};

const DESCRIBE_OPTIONS: OptionRules<DescribeOptions> = {
  signal: SIGNAL,
  parameterTypes: { takes: 'a list of type names', fits: Array.isArray },
  parameters: { takes: 'values', fits: (value) => typeof value === 'object' },
};

const SESSION_OPTIONS: OptionRules<SessionOptions> = {
  signal: SIGNAL,
  timeoutMs: wholeNumber(MAX_SESSION_WAIT_MS),
  readOnly: BOOLEAN,
  keepsPrepared: BOOLEAN,
  heldBytes: wholeNumber(Number.MAX_SAFE_INTEGER),
  purse: { takes: 'a Purse', fits: (value) => value instanceof Purse },
};

const RUN_OPTIONS: OptionRules<RunCascadeOptions> = {
  signal: SIGNAL,
  origin: TEXT,
  model: TEXT,
};

/** Checks a statement's options. Throws RVB_UNKNOWN_OPTION or RVB_OPTION_TYPE. `call` is the name of the call. */
export function checkQueryOptions(
  call: string,
  parameters: Parameters | undefined,
  options: QueryOptions,
): void {
  checkOptions(call, options, QUERY_OPTIONS);
  // Parameters that a statement does not name are ignored, so options in their place would be ignored too.
  if (!Object.values(parameters ?? {}).some((value) => value instanceof AbortSignal)) return;
  const message = `Engine.${call}: a signal stands among the parameters; options come after them: ${call}(sql, parameters, { signal })`;
  throw new RvbbitError('RVB_OPTION_TYPE', message, { stage: 'open' });
}

/** Checks the options of `describe`. Throws RVB_UNKNOWN_OPTION or RVB_OPTION_TYPE. `call` is the name of the call. */
export function checkDescribeOptions(call: string, options: DescribeOptions): void {
  checkOptions(call, options, DESCRIBE_OPTIONS);
}

/** Checks the options of `session`. Throws RVB_UNKNOWN_OPTION or RVB_OPTION_TYPE. `call` is the name of the call. */
export function checkSessionOptions(call: string, options: SessionOptions): void {
  checkOptions(call, options, SESSION_OPTIONS);
}

/** Checks the options of `runCascade`. Throws RVB_UNKNOWN_OPTION or RVB_OPTION_TYPE. `call` is the name of the call. */
export function checkRunOptions(call: string, options: RunCascadeOptions): void {
  checkOptions(call, options, RUN_OPTIONS);
}

/**
 * Checks the engine's options and fills in the defaults. Throws RVB_UNKNOWN_OPTION or RVB_OPTION_TYPE.
 *
 * @internal
 */
export async function resolveOptions(
  options: EngineOptions,
  defaultThreads: number,
): Promise<ResolvedOptions> {
  checkOptions('Engine.open', options, ENGINE_OPTIONS);
  const { providers, model, modelPrice, configFile, env, stateDir, limits = {} } = options;
  checkOptions('Engine.open: limits', limits, LIMITS);
  return {
    ...(providers === undefined ? {} : { providers }),
    ...(model === undefined ? {} : { model }),
    ...(modelPrice === undefined ? {} : { modelPrice: readPrice(modelPrice) }),
    ...(configFile === undefined ? {} : { configFile }),
    ...(env === undefined ? {} : { env }),
    ...(typeof stateDir === 'string' ? { stateDir } : {}),
    journal: await readSettings('journal', options.journal),
    jobs: await readSettings('jobs', options.jobs),
    database: options.database ?? ':memory:',
    readOnly: options.readOnly ?? false,
    cascades: options.cascades === undefined ? undefined : [...rootsOf(options.cascades)],
    parallel: options.parallel,
    sessions: options.sessions ?? DEFAULT_SESSIONS,
    threads: options.threads ?? defaultThreads,
    workerHeapMb: limits.workerHeapMb ?? 512,
    rssMb: limits.rssMb,
    logger: options.logger ?? SILENT,
    signal: options.signal,
  };
}

function readPrice(price: NonNullable<EngineOptions['modelPrice']>): ModelPrice {
  checkOptions('Engine.open: modelPrice', price, MODEL_PRICE);
  for (const name of ['inputPerMtok', 'outputPerMtok'] as const) {
    if (price[name] !== undefined) continue;
    const message = `Engine.open: modelPrice needs ${name}, ${DOLLARS.takes}`;
    throw new RvbbitError('RVB_OPTION_TYPE', message, { stage: 'open' });
  }
  return price;
}

/** Reads options that the configuration has too. Loads the schemas only if there are any, to keep start-up short. */
async function readSettings(
  name: 'journal' | 'jobs',
  value: unknown,
): Promise<JournalOptions & JobSettings> {
  if (value === undefined) return {};
  const { apiJobs, apiJournal } = await import('./model/config-schema.ts');
  const { readValue } = await import('./model/read-settings.ts');
  const label = `Engine.open: ${name}`;
  return (
    (name === 'jobs' ? readValue(apiJobs, value, label) : readValue(apiJournal, value, label)) ?? {}
  );
}
