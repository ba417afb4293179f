/** Runs test files in processes of their own, and counts everything that is not a pass as a failure. */
import { fork } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FileReport } from './run-file.ts';

export interface RunFilesOptions {
  /** A file that takes longer is killed and counts as failed. */
  readonly timeoutMs: number;
  /** A process that does not end this long after its tests has left something open, and counts as failed. */
  readonly lingerMs: number;
  /** Processes at a time. */
  readonly parallel: number;
  /** Files in one process at most, one after another: Node starts, and modules are loaded and compiled, once. Default 1. */
  readonly together?: number;
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
  const queue = batchesOf(files, options.together ?? 1);
  const lane = async () => {
    for (let batch = queue.shift(); batch !== undefined; batch = queue.shift()) {
      const done = await runBatch(batch, options);
      results.push(...done);
      // A file that takes its process down takes none of the others along.
      const rest = batch.slice(done.length);
      if (rest.length > 0) queue.unshift(rest);
    }
  };
  await Promise.all(Array.from({ length: options.parallel }, lane));
  return results;
}

/** Neighbours in a folder share a process. */
function batchesOf(files: readonly string[], together: number): string[][] {
  const batches: string[][] = [];
  for (const file of files) {
    const last = batches.at(-1);
    const fits =
      last !== undefined && last.length < together && dirname(last[0]!) === dirname(file);
    if (fits) last.push(file);
    else batches.push([file]);
  }
  return batches;
}

/** The results of the files that were run: all, or those up to one that ended the process. */
function runBatch(
  files: readonly string[],
  options: RunFilesOptions,
): Promise<readonly FileResult[]> {
  const child = fork(fileURLToPath(new URL('./run-file.js', import.meta.url)), files, {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, ...options.env },
  });
  const reports: FileReport[] = [];
  const results: FileResult[] = [];
  let startedMs = performance.now();
  let output = '';
  let killed: string | undefined;
  let timer: NodeJS.Timeout;
  const killAfter = (ms: number, why: string) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      killed = why;
      child.kill('SIGKILL');
    }, ms);
  };
  const awaitNext = () =>
    killAfter(options.timeoutMs, `did not end within ${options.timeoutMs} ms`);
  const finish = (report: FileReport | undefined, ending: string | undefined) => {
    const problem =
      ending ??
      (report !== undefined && report.passed + report.failed === 0 ? 'ran no test' : undefined);
    const result: FileResult = {
      file: files[results.length]!,
      passed: report?.passed ?? 0,
      failed: (report?.failed ?? 0) + (problem === undefined ? 0 : 1),
      skipped: report?.skipped ?? 0,
      ...(problem === undefined ? {} : { problem }),
      output: output + (report?.errors ?? ''),
      durationMs: performance.now() - startedMs,
    };
    startedMs = performance.now();
    output = '';
    results.push(result);
    options.onFile?.(result);
  };
  const collect = (data: Buffer) => {
    output += data.toString();
  };
  child.stdout?.on('data', collect);
  child.stderr?.on('data', collect);
  child.on('message', (report: FileReport) => {
    reports.push(report);
    if (reports.length < files.length) {
      finish(report, undefined);
      awaitNext();
    } else {
      // Only the end of the process says what the last file, or one before it, has left open.
      const one = files.length === 1 ? '' : 'one of the files in its process ';
      const after = `still there ${options.lingerMs} ms after its tests`;
      killAfter(options.lingerMs, `${one}left something open: ${after}`);
    }
  });
  awaitNext();
  return new Promise((resolve) => {
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const isWhole = reports.length === files.length;
      const ending = isWhole
        ? code === 0
          ? undefined
          : `exit code ${code}`
        : `ended without a report (exit code ${code}, signal ${signal})`;
      finish(isWhole ? reports.at(-1) : undefined, killed ?? ending);
      resolve(results);
    });
  });
}
