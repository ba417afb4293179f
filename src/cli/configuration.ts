/** Reads the settings that are in effect in the working folder. */
import { existsSync } from 'node:fs';
import type { DescribedConfig } from '../model/describe-config.ts';
import { CONFIG_FILE, environment } from './session.ts';

/** The configuration, and a message for each key in the file that nothing reads. */
interface ReadConfiguration {
  readonly configuration: DescribedConfig;
  readonly unread: readonly string[];
}

/** Reads the file, the environment and `.env` as an engine does. Throws if one of them is wrong. */
export async function readConfiguration(): Promise<ReadConfiguration> {
  const { readModelSources } = await import('../model/models.ts');
  const { describeConfig } = await import('../model/describe-config.ts');
  const sources = await readModelSources({
    env: environment(),
    ...(existsSync(CONFIG_FILE) ? { configFile: CONFIG_FILE } : {}),
  });
  const { configFileSchema } = await import('../model/config-schema.ts');
  const { hint } = await import('../cascade/validate.ts');
  const known = Object.keys(configFileSchema.shape);
  return {
    configuration: describeConfig(sources),
    unread: Object.keys(sources.config ?? {})
      .filter((key) => !known.includes(key))
      .map((key) => `${CONFIG_FILE} has no key ${key}${hint(key, known)}`),
  };
}
