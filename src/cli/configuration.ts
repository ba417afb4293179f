/** Reads the settings that are in effect in the working folder. */
import { existsSync } from 'node:fs';
import type { DescribedConfig } from '../model/describe-config.ts';
import { CONFIG_FILE, environment } from './session.ts';

/** Reads the file, the environment and `.env` as an engine does. Throws if one of them is wrong. */
export async function readConfiguration(): Promise<DescribedConfig> {
  const { readModelSources } = await import('../model/models.ts');
  const { describeConfig } = await import('../model/describe-config.ts');
  const sources = await readModelSources({
    env: environment(),
    ...(existsSync(CONFIG_FILE) ? { configFile: CONFIG_FILE } : {}),
  });
  return describeConfig(sources);
}
