/** Runs test files, one process each, and counts everything that is not a pass as a failure. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { FileReport } from './run-file.ts';

export interface RunFilesOptions {
  /** A file that takes longer is killed and counts as failed. */
  readonly timeoutMs: number;
  /** A process that does not end this long after its tests has left something open, and counts as failed. */
  readonly lingerMs: number;
  readonly parallel: number;
  readonly env?: NodeJS.ProcessEnv;
  readonly onFile?: (result: FileResult) => void;
}

/** What came of one file; `problem` says what the counts of its tests do not. */
export interface FileResult {
  readonly file: string;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly problem?: string;
  readonly output: string;
  readonly durationMs: number;
}

export async function runFiles(
  files: readonly string[],
  options: RunFilesOptions,
): Promise<readonly FileResult[]> {
  const results: FileResult[] = [];
  const queue = [...files];
  const lane = async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      const result = await runFile(file, options);
      results.push(result);
      options.onFile?.(result);
    }
  };
  await Promise.all(Array.from({ length: options.parallel }, lane));
  return results;
}

function runFile(file: string, options: RunFilesOptions): Promise<FileResult> {
  const startedMs = performance.now();
  const child = fork(fileURLToPath(new URL('./run-file.js', import.meta.url)), [file], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, ...options.env },
  });
  let output = '';
  let report: FileReport | undefined;
  let killed: string | undefined;
  const kill = (why: string) => {
    killed ??= why;
    child.kill('SIGKILL');
  };
  let timer = setTimeout(
    () => kill(`did not end within ${options.timeoutMs} ms`),
    options.timeoutMs,
  );
  child.stdout?.on('data', (data: Buffer) => {
    output += data.toString();
  });
  child.stderr?.on('data', (data: Buffer) => {
    output += data.toString();
  });
  child.on('message', (message: FileReport) => {
    report = message;
    clearTimeout(timer);
    timer = setTimeout(
      () => kill(`left something open: still there ${options.lingerMs} ms after its tests`),
      options.lingerMs,
    );
  });
  return new Promise((resolve) => {
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const problem =
        killed ??
        (report === undefined
          ? `ended without a report (exit code ${code}, signal ${signal})`
          : report.passed + report.failed === 0
            ? 'ran no test'
            : code !== 0
              ? `exit code ${code}`
              : undefined);
      resolve({
        file,
        passed: report?.passed ?? 0,
        failed: (report?.failed ?? 0) + (problem === undefined ? 0 : 1),
        skipped: report?.skipped ?? 0,
        ...(problem === undefined ? {} : { problem }),
        output: output + (report?.errors ?? ''),
        durationMs: performance.now() - startedMs,
      });
    });
  });
}
