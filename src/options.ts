/** Engine options: their defaults and their one validator. */
import type { DuckDBInstance } from '@duckdb/node-api';
import { RvbbitError } from './errors.ts';
import type { JournalOptions } from './journal/disk/disk-journal.ts';
import { readJournalOptions } from './journal/journal-options.ts';
import { MAX_PARALLEL } from './limits.ts';
import type { ModelFunction } from './model/chat.ts';
import type { ModelOptions } from './model/models.ts';
import type { ValueForm } from './result.ts';

/** Where an engine's own messages go. The shape of pino and of console. */
export interface Logger {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** Where the queries of `sql_data` cells run. */
export type SqlCellsMode = 'inline' | 'process';

export interface EngineOptions {
  /** A DuckDB file, `:memory:` (default), or an instance that you own and close. */
  readonly database?: string | DuckDBInstance;
  /** The cascade root: paths in statements are relative to it and cannot leave it. Default: the working folder. */
  readonly cascades?: string;
  /** Where the journal is kept; `false` (the API's default) keeps none, and answers only as long as the engine is open. */
  readonly stateDir?: string | false;
  /** What the journal keeps. */
  readonly journal?: {
    /** Prompts as well. Default false. */
    readonly prompts?: boolean;
    /** Answers, so that later statements find them. Default true; false turns the cache off and resuming with it. */
    readonly answers?: boolean;
    /** Age of records, e.g. `30d`, and bytes, beyond which the oldest are removed. Default: neither. */
    readonly maxAge?: string | number;
    readonly maxBytes?: number;
    /** Bytes at which a segment is sealed and another begun. Default 32 MiB. */
    readonly segmentMaxBytes?: number;
  };
  /** Providers by id, as in `rvbbit.config.yaml`; a URL or a key comes from here, `configFile` or `env` only. */
  readonly providers?: Readonly<Record<string, unknown>>;
  /** `<provider id>/<name>` for cells that name no model, or a function that answers in the provider's place. */
  readonly model?: string | ModelFunction;
  /** Path of `rvbbit.config.yaml`; read once, with the first statement that needs it. */
  readonly configFile?: string;
  /** Environment variables, e.g. `process.env`: OPENAI_API_KEY, OPENROUTER_API_KEY, OLLAMA_HOST, RVBBIT_MODEL. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Lanes of a statement that does not say PARALLEL. Default 1. */
  readonly parallel?: number;
  /** Worker threads. Default: one a core, at least 1, at most 8. */
  readonly threads?: number;
  readonly limits?: {
    /** Heap of one worker thread in MiB. Default 512. */
    readonly workerHeapMb?: number;
    /** Resident set of the process in MiB above which the worker at fault is ended. Default: three quarters of the memory. */
    readonly rssMb?: number;
  };
  /**
   * Where the queries of `sql_data` cells run. `inline` (default): on the session. `process`: in a process
   * of their own, on copies of the tables that they name, so that a fault of DuckDB ends that and not yours.
   */
  readonly sqlCells?: SqlCellsMode;
  /** Silent by default. */
  readonly logger?: Logger;
  /** Closes the engine when it aborts. */
  readonly signal?: AbortSignal;
}

export interface QueryOptions {
  /** Cancels the statement: it settles within a second with RVB_CANCELLED. */
  readonly signal?: AbortSignal;
  /** Ends the statement early: no further row begins, those in flight end, and what is done is the result. */
  readonly drain?: AbortSignal;
  /** Default `js`. */
  readonly valueForm?: ValueForm;
  /** Recorded with the statement, e.g. `cli`, `service`. Default `api`. */
  readonly origin?: string;
  /** Recorded with the statement: the session of the one that it takes up again. */
  readonly resumes?: string;
  /** PARALLEL of a statement that is taken up again, over what its text says: as `rvbbit resume --parallel`. */
  readonly resumeParallel?: number;
}

const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** Options with every default filled in. */
export interface ResolvedOptions extends ModelOptions {
  readonly database: string | DuckDBInstance;
  readonly cascades: string;
  readonly parallel: number;
  readonly threads: number;
  readonly workerHeapMb: number;
  readonly rssMb: number | undefined;
  readonly logger: Logger;
  readonly signal: AbortSignal | undefined;
  readonly stateDir?: string;
  readonly journal: JournalOptions;
  /** Undefined: as the configuration file says. */
  readonly sqlCells: SqlCellsMode | undefined;
}

const KNOWN: ReadonlySet<string> = new Set<keyof EngineOptions>([
  'database',
  'cascades',
  'stateDir',
  'journal',
  'providers',
  'model',
  'configFile',
  'env',
  'parallel',
  'threads',
  'limits',
  'sqlCells',
  'logger',
  'signal',
]);

/** Checks the options and fills in the defaults; throws RVB_UNKNOWN_OPTION or RVB_OPTION_TYPE. */
export function resolveOptions(options: EngineOptions, defaultThreads: number): ResolvedOptions {
  for (const key of Object.keys(options)) {
    if (!KNOWN.has(key)) {
      throw new RvbbitError(
        'RVB_UNKNOWN_OPTION',
        `Engine.open has no option '${key}'; it has ${[...KNOWN].join(', ')}`,
        { stage: 'open' },
      );
    }
  }
  const cascades = options.cascades ?? '.';
  if (typeof cascades !== 'string') throw wrongType('cascades', 'a folder path', cascades);
  const { stateDir } = options;
  if (stateDir !== undefined && stateDir !== false && !isText(stateDir)) {
    throw wrongType('stateDir', 'a folder path, or false to keep nothing', stateDir);
  }
  const { providers, model, configFile, env } = options;
  if (model !== undefined && typeof model !== 'string' && typeof model !== 'function') {
    throw wrongType('model', "a name such as 'openai/gpt-4o-mini', or a function", model);
  }
  return {
    ...(providers === undefined ? {} : { providers }),
    ...(model === undefined ? {} : { model }),
    ...(configFile === undefined ? {} : { configFile }),
    ...(env === undefined ? {} : { env }),
    ...(isText(stateDir) ? { stateDir } : {}),
    journal: readJournalOptions(options.journal, 'Engine.open: journal', 'api'),
    database: options.database ?? ':memory:',
    cascades,
    parallel: wholeNumber('parallel', options.parallel ?? 1, MAX_PARALLEL),
    threads: wholeNumber('threads', options.threads ?? defaultThreads, 64),
    workerHeapMb: wholeNumber('limits.workerHeapMb', options.limits?.workerHeapMb ?? 512, 65_536),
    rssMb:
      options.limits?.rssMb === undefined
        ? undefined
        : wholeNumber('limits.rssMb', options.limits.rssMb, 2 ** 24),
    sqlCells: readSqlCellsMode(options.sqlCells, 'Engine.open: sqlCells'),
    logger: options.logger ?? SILENT,
    signal: options.signal,
  };
}

/** Throws RVB_OPTION_TYPE with the place; undefined and null say nothing. */
export function readSqlCellsMode(value: unknown, place: string): SqlCellsMode | undefined {
  if (value === undefined || value === null) return undefined;
  if (value === 'inline' || value === 'process') return value;
  throw new RvbbitError(
    'RVB_OPTION_TYPE',
    `${place} takes inline or process, not ${JSON.stringify(value) ?? String(value)}`,
    { stage: 'open' },
  );
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function wholeNumber(name: string, value: unknown, max: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > max) {
    throw wrongType(name, `a whole number from 1 to ${max}`, value);
  }
  return value;
}

function wrongType(name: string, expected: string, value: unknown): RvbbitError {
  return new RvbbitError(
    'RVB_OPTION_TYPE',
    `Engine.open: ${name} takes ${expected}, not ${JSON.stringify(value) ?? String(value)}`,
    { stage: 'open' },
  );
}
