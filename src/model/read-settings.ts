/** Settings of the configuration file, the engine options and the environment, read by their schemas. */
import type { z } from 'zod';
import { listProblems } from '../cascade/problems.ts';
import { readYaml } from '../cascade/read-yaml.ts';
import { validate } from '../cascade/validate.ts';
import { RvbbitError, type SourcePlace } from '../errors.ts';
import { type ConfigFile, configFileSchema } from './config-schema.ts';

/** Reads the bytes of `rvbbit.config.yaml`, whose path is `file`. Errors as of `readValue`, each with its place. */
export function readConfig(bytes: Uint8Array, file: string): ConfigFile {
  const read = readYaml(bytes, file, configFileSchema.nullable());
  if (read.ok) return read.value ?? {};
  const { message, place } = listProblems('the configuration', read.problems);
  throw settingsError(message, read.areUnknownKeys, place);
}

/**
 * Reads the value of an option, variable or key called `name`. Throws RVB_UNKNOWN_OPTION where nothing but
 * unknown keys is wrong, else RVB_OPTION_TYPE. The message shows no value, since it may be a secret.
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

/** RVB_OPTION_TYPE, at the opening of the engine. */
export function optionError(message: string): RvbbitError {
  return settingsError(message, false);
}

function settingsError(message: string, areUnknownKeys: boolean, place?: SourcePlace): RvbbitError {
  return new RvbbitError(areUnknownKeys ? 'RVB_UNKNOWN_OPTION' : 'RVB_OPTION_TYPE', message, {
    stage: 'open',
    ...(place === undefined ? {} : { place }),
  });
}
