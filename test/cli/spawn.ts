/** Runs the built command line as a process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../bundle/rvbbit.js', import.meta.url));
const TIMEOUT_MS = 60_000;

/** What became of a run. `code` is null where a signal ended it. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface SpawnSettings {
  readonly cwd?: string;
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Opened for the process's stdout, in place of a pipe. */
  readonly stdoutTo?: string;
  /** Stderr goes where stdout goes. */
  readonly stderrToo?: boolean;
  /** Called with the process as soon as it has started. */
  readonly during?: (child: ChildProcess) => void;
}

/** Runs `rvbbit …args` to its end. */
export function rvbbit(args: readonly string[], settings: SpawnSettings = {}): Promise<Ended> {
  const { NO_COLOR: _, FORCE_COLOR: __, ...env } = process.env;
  const stdoutFile = settings.stdoutTo === undefined ? 'pipe' : openSync(settings.stdoutTo, 'w');
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: ['pipe', stdoutFile, settings.stderrToo === true ? stdoutFile : 'pipe'],
    cwd: settings.cwd ?? process.cwd(),
    env: { ...env, ...settings.env },
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  if (stdoutFile !== 'pipe') closeSync(stdoutFile);
  child.stdin?.on('error', () => {});
  child.stdin?.end(settings.stdin ?? '');
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  settings.during?.(child);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** A folder with the files given, by path. */
export function makeFolder(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'rvbbit-cli-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

/** Removes what `makeFolder` made. */
export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}
