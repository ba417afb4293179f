/** Reads `rvbbit.config.yaml`. What its keys mean is checked where they are used. */
import { readFile } from 'node:fs/promises';
import { messageOf, RvbbitError } from './errors.ts';

/** The file's value. Throws RVB_OPTION_TYPE with its place. */
export async function readConfigFile(path: string): Promise<unknown> {
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
