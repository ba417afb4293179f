/** `rvbbit run`: runs one cascade on one input. */

import { RvbbitError } from '../../errors.ts';
import type { JsonObject } from '../../util/json.ts';
import { placeCascade } from '../cascade-path.ts';
import { CliError, exitCodeOf, verdictOf } from '../exit-codes.ts';
import type { CliOptions } from '../options.ts';
import { reportError } from '../report.ts';
import { readInput } from '../script.ts';
import { openEngine } from '../session.ts';
import { watchInterrupts } from '../signals.ts';
import { say } from '../stderr.ts';

/** Runs the cascade and prints its value as JSON, or with `--outputs` every cell's output. Returns the exit code. */
export async function run(words: readonly string[], options: CliOptions): Promise<number> {
  const [typed, ...more] = words;
  if (typed === undefined || more.length > 0) {
    throw new CliError(
      'usage',
      `run takes one cascade file${more.length > 0 ? `: '${more[0]}' is left over` : ''}`,
      `rvbbit run cascade.yaml --input '{"name": "x"}'`,
    );
  }
  const input = await readInputObject(options.input ?? '{}');
  const { roots, path } = await placeCascade(typed, options);
  const engine = await openEngine(options, options.database ?? ':memory:', {
    roots,
    startsThreads: true,
  });
  const interrupts = watchInterrupts();
  try {
    const { outcome, durationMs } = await engine.runCascade(path, input, {
      signal: interrupts.signal,
      origin: 'cli',
    });
    if (outcome.kind === 'failed') {
      const { code, message } = outcome.error;
      throw new RvbbitError(code, message, { stage: 'cascade' });
    }
    const value = outcome.kind === 'ok' ? outcome.value : null;
    const printed = options.outputs ? (outcome.outputs ?? {}) : value;
    process.stdout.write(`${JSON.stringify(printed, null, 2)}\n`);
    if (!options.quiet) {
      say(`${path}: ${outcome.kind} in ${(durationMs / 1000).toFixed(2)} s`);
    }
    return 0;
  } catch (thrown) {
    if (interrupts.interrupted) return exitCodeOf(['interrupted']);
    reportError(thrown);
    return exitCodeOf([verdictOf(thrown)]);
  } finally {
    await engine.close();
    interrupts.close();
  }
}

/** Reads the object of `--input`: JSON, `@file`, or `-` for standard input. */
async function readInputObject(text: string): Promise<JsonObject> {
  if (text === '@') throw new CliError('usage', '--input @ needs a file', '--input @row.json');
  const isFile = text === '-' || text.startsWith('@');
  const source = isFile ? await readInput(text === '-' ? '-' : text.slice(1)) : text;
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch (thrown) {
    const hint = isFile
      ? undefined
      : 'quote it for the shell, or write it to a file: --input @row.json';
    throw new CliError('usage', `--input is not JSON: ${(thrown as Error).message}`, hint);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new CliError('usage', '--input takes a JSON object: the inputs by name');
  }
  return value as JsonObject;
}
