/** `rvbbit test`: runs the test cases in the cascade files. */
import { existsSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { TestCase } from '../../cascade/cascade.ts';
import { filesNamed, findCascades } from '../../cascade/find-cascades.ts';
import type { Engine } from '../../engine.ts';
import { RvbbitError } from '../../errors.ts';
import type { RunOutcome } from '../../run/contract.ts';
import { checkCascade } from '../../testing.ts';
import { type CascadePlace, fileUnder, placeCascade } from '../cascade-path.ts';
import { CliError, exitCodeOf } from '../exit-codes.ts';
import type { CliOptions } from '../options.ts';
import { reportError } from '../report.ts';
import { cascadeRoots, openEngine } from '../session.ts';
import { type Interrupts, watchInterrupts } from '../signals.ts';
import { say, stdoutStyle } from '../stderr.ts';
import { visible } from '../text/escape.ts';

interface Tally {
  passed: number;
  failed: number;
}

/** A cascade file: its place, and its name as typed. */
interface NamedFile extends CascadePlace {
  readonly name: string;
}

/** Runs the cases of the named cascades, or of all cascades under the roots. Returns the exit code. */
export async function test(words: readonly string[], options: CliOptions): Promise<number> {
  if (comparesModels(options)) return compare(words, options);
  const files = await filesOf(words, options);
  const interrupts = watchInterrupts();
  const tally: Tally = { passed: 0, failed: 0 };
  try {
    for (const named of byRoots(files)) {
      const engine = await openEngine(options, options.database ?? ':memory:', {
        roots: named[0]!.roots,
      });
      try {
        for (const file of named) {
          if (interrupts.interrupted) break;
          await testCascade(engine, file, tally, interrupts, options.quiet ?? false);
        }
      } finally {
        await engine.close();
      }
    }
  } finally {
    interrupts.close();
  }
  if (interrupts.interrupted) return exitCodeOf(['interrupted']);
  const { passed, failed } = tally;
  if (passed + failed === 0) {
    const where = words.length > 0 ? words.join(', ') : (await cascadeRoots(options)).join(', ');
    say(
      `no test_cases in ${where}: add \`test_cases: [{ input: { … }, expect: … }]\` to a cascade`,
    );
    return exitCodeOf(['usage']);
  }
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  return exitCodeOf(failed > 0 ? ['failed'] : []);
}

/** True if an option is given that only the comparison of models has. */
function comparesModels(options: CliOptions): boolean {
  const { models, data, label, atLeast, batch, json, parallel } = options;
  return [models, data, label, atLeast, batch, json, parallel].some(
    (option) => option !== undefined,
  );
}

/** Opens an engine on the roots of each named cascade or operator, and compares. */
async function compare(words: readonly string[], options: CliOptions): Promise<number> {
  if (words.length === 0) {
    const advice = 'rvbbit test cascade.yaml --models a/x,b/y';
    throw new CliError('usage', 'a comparison needs a cascade or an operator', advice);
  }
  const { compareModels } = await import('./compare-models.ts');
  const engines = new Map<string, Engine>();
  try {
    const compared = [];
    for (const word of words) {
      const { roots, path } = await placeCascadeOrOperator(word, options);
      const key = JSON.stringify(roots);
      const engine =
        engines.get(key) ?? (await openEngine(options, options.database ?? ':memory:', { roots }));
      engines.set(key, engine);
      compared.push({ engine, path, name: word });
    }
    return await compareModels(compared, options);
  } finally {
    for (const engine of engines.values()) await engine.close();
  }
}

/** Returns the cascade file of this name if it exists, else the file of the operator of this name. */
async function placeCascadeOrOperator(word: string, options: CliOptions): Promise<CascadePlace> {
  const place = await placeCascade(word, options);
  const isFile = filesNamed(place.path).some((file) => fileUnder(place.roots, file) !== undefined);
  if (isFile || /[./\\]/.test(word)) return place;
  const { loadOperators } = await import('../../operators/load-operators.ts');
  const { findOperator, operatorFile } = await import('../find-operator.ts');
  const loaded = await loadOperators(place.roots);
  const file = operatorFile(loaded, findOperator(loaded, word), place.roots);
  return { roots: [dirname(file)], path: basename(file) };
}

/** Returns the named cascades, or all cascades under the roots. */
async function filesOf(
  words: readonly string[],
  options: CliOptions,
): Promise<readonly NamedFile[]> {
  if (words.length === 0) {
    const roots = await cascadeRoots(options);
    return (await findCascades(roots)).map((path) => ({ roots, path, name: path }));
  }
  const files: NamedFile[] = [];
  for (const word of words) {
    const { roots, path } = await placeCascade(word, options);
    const found = fileUnder(roots, path);
    const isFolder =
      found !== undefined && statSync(found, { throwIfNoEntry: false })?.isDirectory() === true;
    if (isFolder && !filesNamed(found).some((file) => existsSync(file))) {
      throw new CliError('usage', `${word} is a folder`, `rvbbit test --cascades ${word}`);
    }
    files.push({ roots, path, name: word });
  }
  return files;
}

/** Groups files by their roots, in the order of the first file of each group. */
function byRoots(files: readonly NamedFile[]): readonly (readonly NamedFile[])[] {
  const groups = new Map<string, NamedFile[]>();
  for (const file of files) {
    const key = JSON.stringify(file.roots);
    groups.set(key, [...(groups.get(key) ?? []), file]);
  }
  return [...groups.values()];
}

async function testCascade(
  engine: Engine,
  { path, name: file }: NamedFile,
  tally: Tally,
  interrupts: Interrupts,
  quiet: boolean,
): Promise<void> {
  try {
    for await (const result of checkCascade(engine, path, { signal: interrupts.signal })) {
      if (interrupts.interrupted) return;
      const { name, passed, testCase, outcome } = result;
      tally[passed ? 'passed' : 'failed']++;
      if (passed && quiet) continue;
      const mark = passed ? stdoutStyle('green', 'ok') : stdoutStyle('red', 'not ok');
      process.stdout.write(`${mark} ${visible(`${file}: ${name}`)}\n`);
      if (!passed) explainFailure(testCase, outcome);
    }
  } catch (thrown) {
    if (interrupts.interrupted) return;
    // If no worker starts, no case can run. One error then says more than one per case.
    if (thrown instanceof RvbbitError && thrown.code === 'RVB_WORKER_BOOT') throw thrown;
    tally.failed++;
    process.stdout.write(`${stdoutStyle('red', 'not ok')} ${visible(file)}: it cannot be loaded\n`);
    reportError(thrown);
  }
}

function explainFailure(testCase: TestCase, outcome: RunOutcome): void {
  const got =
    outcome.kind === 'failed'
      ? `${outcome.error.code}: ${outcome.error.message}`
      : outcome.kind === 'ok'
        ? JSON.stringify(outcome.value)
        : 'null (skipped)';
  const lines = [
    `  input     ${JSON.stringify(testCase.input)}`,
    `  expected  ${JSON.stringify(testCase.expect)}`,
    `  got       ${got}`,
  ];
  process.stdout.write(`${lines.map(visible).join('\n')}\n`);
}
