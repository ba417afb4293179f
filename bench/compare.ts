/** `--compare`: measures suites of this revision and of another in alternating samples, and prints the ratio of each figure. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { medianOf } from '../src/run/cells/reduce-takes.ts';
import { Progress } from './progress.ts';
import { aligned, round } from './report.ts';
import { sampleOf } from './sample.ts';
import type { Sample, Suite } from './suite.ts';

export interface Comparison {
  readonly revision: string;
  readonly suites: readonly Suite[];
  /** The number of pairs of fresh processes for each variant. */
  readonly samples: number;
  /** The path of this revision's bench/main.js. */
  readonly program: string;
}

/** Prints, for each figure, both medians, the ratio of this revision to the other, and its 95 % interval. */
export async function compare({ revision, suites, samples, program }: Comparison): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'rvbbit-bench-'));
  try {
    const other = buildRevision(revision, folder);
    for (const suite of suites) {
      const lines: string[][] = [['', 'here', revision, 'ratio', '95 %']];
      const progress = new Progress(samples * suite.variants.length);
      const pairs = new Map<string, { here: Sample; there: Sample }[]>();
      for (let number = 0; number < samples; number += 1) {
        for (const { name } of suite.variants) {
          progress.begin(`${suite.name} ${name} ${number + 1}/${samples}`);
          const take = (which: string) => sampleOf(which, suite.name, name).catch(() => undefined);
          // The two take turns in going first, so that neither always finds the machine warmer.
          const [first, second] = number % 2 === 0 ? [program, other] : [other, program];
          const one = await take(first);
          const two = await take(second);
          const [here, there] = number % 2 === 0 ? [one, two] : [two, one];
          if (here === undefined || there === undefined) continue;
          pairs.set(name, [...(pairs.get(name) ?? []), { here, there }]);
        }
      }
      progress.end();
      for (const { name } of suite.variants) {
        const taken = pairs.get(name);
        if (taken === undefined) {
          lines.push([name, '', 'not there', '', '']);
          continue;
        }
        for (const metric of Object.keys(taken[0]!.here)) {
          if (taken.some(({ there }) => there[metric] === undefined)) continue;
          const here = taken.map((pair) => pair.here[metric]!);
          const there = taken.map((pair) => pair.there[metric]!);
          lines.push([
            `${name} ${metric}`,
            round(medianOf(here)),
            round(medianOf(there)),
            ...ratioOf(here, there),
          ]);
        }
      }
      console.log(`${suite.name}, ${samples} pairs\n${aligned(lines).join('\n')}\n`);
    }
  } finally {
    spawnSync('git', ['worktree', 'remove', '--force', join(folder, 'tree')]);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Builds a revision and returns the path of its bench/main.js. Throws if the revision is unknown or does not build. */
function buildRevision(revision: string, folder: string): string {
  const tree = join(folder, 'tree');
  const run = (command: string, args: readonly string[], cwd?: string) => {
    const { status, stderr } = spawnSync(command, args, {
      encoding: 'utf8',
      ...(cwd === undefined ? {} : { cwd }),
    });
    if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr.trim()}`);
  };
  process.stderr.write(`bench: building ${revision}\n`);
  run('git', ['worktree', 'add', '--detach', tree, revision]);
  run('npm', ['ci', '--no-audit', '--no-fund'], tree);
  run('npm', ['run', 'build'], tree);
  return join(tree, 'dist/bench/main.js');
}

/** Returns the geometric mean of the pairs' ratios, and its interval. */
export function ratioOf(here: readonly number[], there: readonly number[]): [string, string] {
  const logs = here.map((value, index) => Math.log(value / there[index]!));
  if (!logs.every(Number.isFinite)) return ['', ''];
  const mean = logs.reduce((sum, one) => sum + one, 0) / logs.length;
  if (logs.length < 2) return [Math.exp(mean).toFixed(3), ''];
  const variance = logs.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (logs.length - 1);
  const half = studentT(logs.length - 1) * Math.sqrt(variance / logs.length);
  const [low, high] = [Math.exp(mean - half), Math.exp(mean + half)];
  return [Math.exp(mean).toFixed(3), `${low.toFixed(3)}–${high.toFixed(3)}`];
}

/** Student's t for 95 %, two-sided, by degrees of freedom from 1. */
function studentT(freedom: number): number {
  const T = [12.71, 4.3, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23];
  return T[freedom - 1] ?? 2;
}
