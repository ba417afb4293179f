/**
 * Runs the uvu suites of test files in this process, file by file, and sends what came of each to the parent.
 * uvu alone exits 0 on a throwing `before` hook and on a forgotten `.run()`, so the counts are taken
 * from its queue instead of from its exit code.
 */
import { pathToFileURL } from 'node:url';

type SuiteRun = () => Promise<[errors: string, passed: number, skipped: number, total: number]>;

interface UvuGlobals {
  UVU_DEFER?: number;
  UVU_INDEX?: number;
  UVU_QUEUE?: SuiteRun[][];
}

/** What a test file came to. `errors` is uvu's own text. */
export interface FileReport {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly errors: string;
}

const globals = globalThis as UvuGlobals;
globals.UVU_DEFER = 1;

for (const file of process.argv.slice(2)) {
  globals.UVU_INDEX = 0;
  globals.UVU_QUEUE = [[]];
  await import('uvu');
  await import(pathToFileURL(file).href);
  process.send?.(await runSuites(globals.UVU_QUEUE.flat()));
}
process.disconnect?.();

async function runSuites(suites: readonly SuiteRun[]): Promise<FileReport> {
  let passed = 0;
  let failed = 0;
  let skipped = 0;
  let errors = '';
  for (const run of suites) {
    const [suiteErrors, suitePassed, suiteSkipped, suiteTotal] = await run();
    passed += suitePassed;
    skipped += suiteSkipped;
    failed += suiteTotal - suitePassed - suiteSkipped;
    errors += suiteErrors;
  }
  return { passed, failed, skipped, errors };
}
