/** `npm test [-- pattern…]`: every built test file whose path holds one of the patterns; `--deep` runs the full counts. */
import { readdirSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runFiles } from './support/run-files.ts';

const root = fileURLToPath(new URL('.', import.meta.url));
const args = process.argv.slice(2);
const deep = args.includes('--deep');
const patterns = args.filter((arg) => !arg.startsWith('--'));

const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.js'))
  .filter((name) => patterns.length === 0 || patterns.some((pattern) => name.includes(pattern)))
  .sort()
  .map((name) => root + name);

let passed = 0;
let failed = 0;
let skipped = 0;
await runFiles(files, {
  timeoutMs: deep ? 3_600_000 : 180_000,
  lingerMs: 10_000,
  parallel: 2,
  ...(deep ? { env: { RVBBIT_TEST_DEEP: '1' } } : {}),
  onFile(result) {
    passed += result.passed;
    failed += result.failed;
    skipped += result.skipped;
    const name = relative(root, result.file).replace(/\.js$/, '');
    const seconds = (result.durationMs / 1000).toFixed(1);
    // uvu's dots may stand before one on its line.
    const cases = result.output.match(/cases: .*/g) ?? [];
    if (result.failed === 0) {
      console.log(`ok   ${name}: ${result.passed} passed, ${seconds} s`);
      for (const line of cases) console.log(`       ${line}`);
    } else {
      console.log(`FAIL ${name}: ${result.failed} failed, ${seconds} s`);
      if (result.problem !== undefined) console.log(`     ${result.problem}`);
      console.log(result.output.trimEnd());
    }
  },
});
if (files.length === 0) {
  console.log('no test file matches');
  failed += 1;
}
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed === 0 ? 0 : 1;
