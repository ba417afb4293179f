/** A configuration as a file holds it. */
import type { ConfigFile } from '../../src/model/config-schema.ts';
import { readConfig } from '../../src/model/read-settings.ts';

/** The value of a file that holds `value` as JSON, which YAML reads. */
export function configOf(value: unknown): ConfigFile {
  return readConfig(Buffer.from(JSON.stringify(value)), 'rvbbit.config.yaml');
}
