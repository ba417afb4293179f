/** Reads `rvbbit.config.yaml`. */
import { readFile } from 'node:fs/promises';
import { messageOf, RvbbitError } from '../errors.ts';
import type { ConfigFile } from './config-schema.ts';

/** Returns the file's value; undefined without a file. Rejects with RVB_OPTION_TYPE or RVB_UNKNOWN_OPTION. */
export type ConfigReader = () => Promise<ConfigFile | undefined>;

/** Returns a reader that reads the file only once, so that all settings of an engine have the same version of it. */
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
  // YAML and zod are loaded only if there is a file, so that an engine without one starts faster.
  const { readConfig } = await import('./read-settings.ts');
  return readConfig(bytes, path);
}
