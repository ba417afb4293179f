/** Opens the engine for the commands. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import type { DuckDBInstance } from '@duckdb/node-api';
import type { Engine } from '../engine.ts';
import { messageOf } from '../errors.ts';
import type { EngineOptions } from '../options.ts';
import type { Logger } from '../util/logger.ts';
import { CliError, verdictOf } from './exit-codes.ts';
import { checkDatabase } from './file-kinds.ts';
import { type CliOptions, flagOf } from './options.ts';
import { say } from './stderr.ts';
import { systemErrorText } from './text/system-error.ts';

/** The folder of the journal without `--state-dir`. */
export const STATE_DIR = '.rvbbit';

/** The configuration file. It is read from the working folder, if it exists there. */
export const CONFIG_FILE = 'rvbbit.config.yaml';

const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} };
const TELLING: Logger = { ...SILENT, warn: say, error: say };

/**
 * Returns the cascade roots of a command line: `--cascades`, else those of the configuration file, else the working
 * folder. Throws a `CliError` if `--cascades` names no folder.
 */
export async function cascadeRoots(
  options: Pick<CliOptions, 'cascades'>,
): Promise<readonly string[]> {
  const given = givenRoots(options);
  if (given.length > 0) return given;
  if (!existsSync(CONFIG_FILE)) return ['.'];
  const { configReader } = await import('../model/config-file.ts');
  const { rootsOf } = await import('../cascade/resolve-path.ts');
  return rootsOf((await configReader(CONFIG_FILE)())?.cascades ?? '.');
}

/** Returns the folders that `--cascades` names. Throws a `CliError` if one is no folder. */
export function givenRoots({ cascades = [] }: Pick<CliOptions, 'cascades'>): readonly string[] {
  for (const root of cascades) {
    if (statSync(root, { throwIfNoEntry: false })?.isDirectory() === true) continue;
    throw new CliError('open', `there is no folder ${root}`, '--cascades takes the cascade root');
  }
  return cascades;
}

/** What an engine is opened with beside the options of the command line. */
export interface OpenSettings {
  /** The cascade roots; by default those of `--cascades`. */
  readonly roots?: readonly string[];
  readonly sessions?: number;
  /** The worker threads start while the database is opened, because a statement will need them. */
  readonly startsThreads?: boolean;
}

/** Opens an engine on a database. Throws a `CliError` if that fails: `usage` for a wrong option, else `open`. */
export async function openEngine(
  options: CliOptions,
  database: string | DuckDBInstance,
  { roots = givenRoots(options), sessions, startsThreads = false }: OpenSettings = {},
): Promise<Engine> {
  if (typeof database === 'string') checkDatabase(database);
  checkStateDir(options);
  const { Engine } = await import('../engine.ts');
  try {
    const given: EngineOptions = {
      database,
      ...(roots.length === 0 ? {} : { cascades: roots }),
      stateDir: options.state === false ? false : (options.stateDir ?? STATE_DIR),
      env: environment(),
      logger: options.quiet ? SILENT : TELLING,
      ...(options.readonly ? { readOnly: true } : {}),
      ...(existsSync(CONFIG_FILE) ? { configFile: CONFIG_FILE } : {}),
      ...(options.parallel === undefined ? {} : { parallel: options.parallel }),
      ...(options.threads === undefined ? {} : { threads: options.threads }),
      ...(sessions === undefined ? {} : { sessions }),
    };
    return await Engine.openLean(given, startsThreads);
  } catch (thrown) {
    if (thrown instanceof CliError) throw thrown;
    throw verdictOf(thrown) === 'usage'
      ? usageError(thrown)
      : new CliError('open', messageOf(thrown));
  }
}

/** Throws a `CliError` if no folder can be made at the path of `--state-dir`. */
function checkStateDir({ stateDir, state }: CliOptions): void {
  if (stateDir === undefined || stateDir === '' || state === false) return;
  let path = resolve(stateDir);
  while (!existsSync(path)) path = dirname(path);
  if (statSync(path).isDirectory()) return;
  const message = `--state-dir ${stateDir}: ${relative('', path)} is a file`;
  throw new CliError('open', message, '--state-dir takes a folder, which is made if it is missing');
}

/** Returns the error of an `Engine.open` option that is out of range, with the flag of the command line. */
function usageError(thrown: unknown): CliError {
  const message = messageOf(thrown).replace(/^Engine\.open: (\w+)/, (_, key: string) =>
    flagOf(key),
  );
  return new CliError('usage', message);
}

/**
 * Returns the variables of the process and of a `.env` file in the working folder. Those of the process win. Throws a
 * `CliError` if `.env` cannot be read.
 */
export function environment(): Record<string, string | undefined> {
  if (!existsSync('.env')) return process.env;
  try {
    return { ...parseEnv(readFileSync('.env', 'utf8').replace(/^\ufeff/, '')), ...process.env };
  } catch (thrown) {
    throw new CliError('open', `cannot read .env: ${systemErrorText(thrown)}`);
  }
}
