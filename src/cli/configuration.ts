/** The settings that count in the working folder. */
import { existsSync } from 'node:fs';
import { nearestSpelling } from '../../grammar/spelling.ts';
import type { DescribedConfig } from '../model/describe-config.ts';
import { CONFIG_FILE, environment } from './session.ts';

/** The configuration, and what to say of keys in the file that nothing reads. */
interface ReadConfiguration {
  readonly configuration: DescribedConfig;
  readonly unread: readonly string[];
}

/** Reads the file, the environment and `.env` as an engine does. Throws where one of them is wrong. */
export async function readConfiguration(): Promise<ReadConfiguration> {
  const { readModelSources } = await import('../model/models.ts');
  const { describeConfig } = await import('../model/describe-config.ts');
  const sources = await readModelSources({
    env: environment(),
    ...(existsSync(CONFIG_FILE) ? { configFile: CONFIG_FILE } : {}),
  });
  const { configJsonSchema } = await import('../model/config-schema.ts');
  const known = Object.keys(configJsonSchema()['properties'] as object);
  return {
    configuration: describeConfig(sources),
    unread: Object.keys(sources.config ?? {})
      .filter((key) => !known.includes(key))
      .map((key) => unreadKey(key, known)),
  };
}

function unreadKey(key: string, known: readonly string[]): string {
  const near = nearestSpelling(key, known);
  const hint = near === undefined ? `it has ${known.join(', ')}` : `did you mean ${near}?`;
  return `${CONFIG_FILE} has no key ${key}; ${hint}`;
}
