/** Reads `rvbbit.config.yaml`. What its keys mean is checked where they are used. */
import { readFile } from 'node:fs/promises';
import { messageOf, RvbbitError } from './errors.ts';

/** Gives the file's value, or undefined without a file. Rejects with RVB_OPTION_TYPE and its place. */
export type ConfigReader = () => Promise<unknown>;

/** A reader that reads the file once, so that all that an engine takes from it is of one reading. */
export function configReader(path: string | undefined): ConfigReader {
  let value: Promise<unknown> | undefined;
  return async () => {
    if (path === undefined) return undefined;
    value ??= readConfigFile(path);
    return value;
  };
}

/** The value of a key of the file. */
export async function configuredValue(readConfig: ConfigReader, key: string): Promise<unknown> {
  const config = await readConfig();
  return (config as Readonly<Record<string, unknown>> | null | undefined)?.[key];
}

async function readConfigFile(path: string): Promise<unknown> {
  const { guardYaml } = await import('./cascade/guard-yaml.ts');
  const { parseYaml } = await import('./cascade/parse-yaml.ts');
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (thrown) {
    throw configError(`${path}: ${messageOf(thrown)}`);
  }
  const guarded = guardYaml(bytes, path);
  const parsed = guarded.ok ? parseYaml(guarded.text, path) : undefined;
  const problem = guarded.ok ? parsed?.problems[0] : guarded.problem;
  if (problem === undefined) return parsed?.value;
  const { line, column } = problem.place;
  throw configError(`${path}:${line}:${column}: ${problem.message}`);
}

function configError(message: string): RvbbitError {
  return new RvbbitError('RVB_OPTION_TYPE', `the configuration cannot be read: ${message}`, {
    stage: 'open',
  });
}
