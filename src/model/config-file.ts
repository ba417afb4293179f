/** Reads `rvbbit.config.yaml`. */
import { readFile } from 'node:fs/promises';
import { messageOf, RvbbitError } from '../errors.ts';
import type { ConfigFile } from './config-schema.ts';

/** Gives the file's value, or undefined without a file. Rejects with RVB_OPTION_TYPE or RVB_UNKNOWN_OPTION. */
export type ConfigReader = () => Promise<ConfigFile | undefined>;

/** A reader that reads the file once, so that all that an engine takes from it is of one reading. */
export function configReader(path: string | undefined): ConfigReader {
  let value: Promise<ConfigFile> | undefined;
  return async () => {
    if (path === undefined) return undefined;
    value ??= readConfigFile(path);
    return value;
  };
}

async function readConfigFile(path: string): Promise<ConfigFile> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (thrown) {
    const message = `the configuration cannot be read: ${path}: ${messageOf(thrown)}`;
    throw new RvbbitError('RVB_OPTION_TYPE', message, { stage: 'open' });
  }
  // The modules that know YAML and zod are loaded with the first file: start-up counts.
  const { readConfig } = await import('./read-settings.ts');
  return readConfig(bytes, path);
}
