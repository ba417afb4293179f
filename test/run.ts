/**
 * Runs the built test files of a tier: every one, or those whose path holds one of the patterns.
 *
 * `npm test [-- pattern…]` runs every behaviour; `npm run test:storm` the files called `*.storm.test.ts`: kills,
 * aborts, fuzz, oracles, sockets; `npm run test:deep` both, with full counts; `npm run test:clients` those called
 * `*.client.test.ts`, which need real Postgres clients. A tier that takes longer than it should says so; it fails only
 * for the processor time that RVBBIT_TEST_CPU_SECONDS allows.
 */
import { readdirSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type FileResult, runFiles } from './support/run-files.ts';
import { cpuBound, cpuSeconds, outgrown, secondsFor, slowness } from './support/tier-time.ts';

const STORM = '.storm.test.js';
const CLIENT = '.client.test.js';
/** Files of a folder that share a process; a storm has one of its own. */
const TOGETHER = 8;
/** Files named at the end with the time that they took. */
const SLOWEST_FILES = 10;

const root = fileURLToPath(new URL('.', import.meta.url));
const args = process.argv.slice(2);
const deep = args.includes('--deep');
const clients = args.includes('--clients');
const patterns = args.filter((arg) => !arg.startsWith('--'));
const seconds = secondsFor({
  storm: args.includes('--storm'),
  deep,
  some: clients || patterns.length > 0,
});
const bound = cpuBound(process.env['RVBBIT_TEST_CPU_SECONDS']);
const startedMs = performance.now();

const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.js'))
  .filter(isOfTier)
  .filter((name) => patterns.length === 0 || patterns.some((pattern) => name.includes(pattern)))
  .sort()
  .map((name) => root + name);

let passed = 0;
let failed = 0;
let skipped = 0;
const results = await runFiles(files, {
  timeoutMs: deep ? 3_600_000 : 180_000,
  lingerMs: 30_000,
  parallel: files.some((file) => file.endsWith(STORM)) ? 2 : 3,
  together: clients || files.some((file) => file.endsWith(STORM)) ? 1 : TOGETHER,
  ...(deep ? { env: { RVBBIT_TEST_DEEP: '1' } } : {}),
  onFile(result) {
    passed += result.passed;
    failed += result.failed;
    skipped += result.skipped;
    // uvu's dots may stand before one on its line.
    const cases = result.output.match(/cases: .*/g) ?? [];
    if (result.failed === 0) {
      console.log(`ok   ${nameOf(result)}: ${result.passed} passed, ${secondsOf(result)}`);
      for (const line of cases) console.log(`       ${line}`);
    } else {
      console.log(`FAIL ${nameOf(result)}: ${result.failed} failed, ${secondsOf(result)}`);
      if (result.problem !== undefined) console.log(`     ${result.problem}`);
      console.log(result.output.trimEnd());
    }
  },
});
if (files.length === 0) {
  console.log('no test file matches');
  failed += 1;
}
const tookMs = performance.now() - startedMs;
const cpu = cpuSeconds();
if (results.length > SLOWEST_FILES) {
  const slowest = [...results].sort((a, b) => b.durationMs - a.durationMs).slice(0, SLOWEST_FILES);
  const took = `${(tookMs / 1_000).toFixed(0)} s${seconds === undefined ? '' : ` of ${seconds} s`}`;
  const processor = cpu === undefined ? '' : `, ${cpu.toFixed(0)} s of processor time`;
  console.log(`${results.length} files in ${took}${processor}; the slowest:`);
  for (const result of slowest) console.log(`  ${secondsOf(result)}  ${nameOf(result)}`);
}
const late = bound === undefined || cpu === undefined ? undefined : outgrown(cpu, bound);
if (late !== undefined) {
  console.log(late);
  failed += 1;
}
const slow = slowness(tookMs, seconds);
if (slow !== undefined) console.log(slow);
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed === 0 ? 0 : 1;

/** A pattern names a file of any tier. */
function isOfTier(name: string): boolean {
  if (patterns.length > 0) return true;
  if (clients || name.endsWith(CLIENT)) return clients && name.endsWith(CLIENT);
  return deep || name.endsWith(STORM) === args.includes('--storm');
}

function nameOf({ file }: FileResult): string {
  return relative(root, file).replace(/\.js$/, '');
}

function secondsOf({ durationMs }: FileResult): string {
  return `${(durationMs / 1_000).toFixed(1)} s`;
}
