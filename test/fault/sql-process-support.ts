/** The process of the SQL cells as it looks from outside: found by its parent, ended by a signal. */
import { spawnSync } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Processes of SQL cells that `parent` has started and that live. */
export function sqlProcesses(parent: number = process.pid): number[] {
  const { stdout } = spawnSync('ps', ['-eo', 'pid=,ppid=,stat=,args='], { encoding: 'utf8' });
  return stdout
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line))
    .filter((found) => found !== null)
    .filter(
      ([, , of, state, args]) =>
        Number(of) === parent && !state!.startsWith('Z') && args!.includes('sql-process/child.js'),
    )
    .map(([, pid]) => Number(pid));
}

/** Whether a process lives. */
export function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Waits until `isSo`, at most ten seconds. */
export async function untilSo(isSo: () => boolean, what: string): Promise<void> {
  const startedMs = performance.now();
  while (!isSo()) {
    if (performance.now() - startedMs > 10_000) throw new Error(`not within 10 s: ${what}`);
    await sleep(5);
  }
}

/** A named pipe: a query that reads it is held at its opening, and that can be seen from outside. */
export class Pipe {
  readonly path: string;

  constructor(path: string) {
    const { status, stderr } = spawnSync('mkfifo', [path], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`mkfifo: ${stderr}`);
    this.path = path;
  }

  /** Waits until our process reads the pipe, and ends it before it gets any further. */
  async endReader(signal: NodeJS.Signals, until: AbortSignal): Promise<boolean> {
    while (!until.aborted) {
      await sleep(5);
      // There is one at a time, and nobody else ends it.
      const [pid] = sqlProcesses();
      if (pid === undefined) continue;
      try {
        // Until this end is closed, a reader waits for what comes.
        const file = openSync(this.path, constants.O_WRONLY | constants.O_NONBLOCK);
        process.kill(pid, signal);
        await untilSo(() => !sqlProcesses().includes(pid), 'the reader ends');
        closeSync(file);
        return true;
      } catch (thrown) {
        if ((thrown as NodeJS.ErrnoException).code !== 'ENXIO') throw thrown;
      }
    }
    return false;
  }
}
