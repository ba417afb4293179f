/** Validates settings of the configuration file, the engine options and the environment against their schemas. */
import type { z } from 'zod';
import { listProblems } from '../cascade/problems.ts';
import { readYaml } from '../cascade/read-yaml.ts';
import { validate } from '../cascade/validate.ts';
import { RvbbitError, type SourcePlace } from '../errors.ts';
import { type ConfigFile, configFileSchema } from './config-schema.ts';

/** Reads the bytes of `rvbbit.config.yaml`; `file` is its path. Throws as `readValue` does. Errors name the line. */
export function readConfig(bytes: Uint8Array, file: string): ConfigFile {
  const read = readYaml(bytes, file, configFileSchema.nullable());
  if (read.ok) return read.value ?? {};
  const { message, place } = listProblems('the configuration', read.problems);
  throw settingsError(message, read.areUnknownKeys, place);
}

/**
 * Validates the value of the option, variable or key `name`. Throws RVB_UNKNOWN_OPTION if unknown keys are the only
 * problem, else RVB_OPTION_TYPE. The message does not show the value, since it may be a secret.
 */
export function readValue<T>(schema: z.ZodType<T>, value: unknown, name: string): T {
  const validated = validate(schema, value, [name]);
  if (validated.ok) return validated.value;
  const { findings } = validated;
  throw settingsError(
    findings.map(({ message }) => message).join('\n'),
    findings.every(({ isUnknownKey }) => isUnknownKey),
  );
}

/** Returns an RVB_OPTION_TYPE error of the stage `open`. */
export function optionError(message: string): RvbbitError {
  return settingsError(message, false);
}

function settingsError(message: string, areUnknownKeys: boolean, place?: SourcePlace): RvbbitError {
  return new RvbbitError(areUnknownKeys ? 'RVB_UNKNOWN_OPTION' : 'RVB_OPTION_TYPE', message, {
    stage: 'open',
    ...(place === undefined ? {} : { place }),
  });
}
