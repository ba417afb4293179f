/** The process of the SQL cells as it looks from outside: found by its parent, ended by a signal. */
import { spawnSync } from 'node:child_process';
import { closeSync, constants, openSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine } from '../../src/index.ts';
import { withEngine } from './support.ts';

/** Processes of SQL cells that `parent` has started and that live. */
export function sqlProcesses(parent: number = process.pid): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => parentOf(pid) === parent && argumentsOf(pid).includes('sql-process/child.js'));
}

/** Whether a process lives: one that has ended and that nobody has asked after does not. */
export function lives(pid: number): boolean {
  return parentOf(pid) !== undefined;
}

/** The process that has started it; nothing where it has ended. */
function parentOf(pid: number): number | undefined {
  // `pid (name) state parent …`; a name may hold anything.
  const [state, parent] = textOf(pid, 'stat').split(') ').at(-1)!.split(' ');
  return parent === undefined || state === 'Z' ? undefined : Number(parent);
}

function argumentsOf(pid: number): string {
  return textOf(pid, 'cmdline');
}

/** Empty for a process that is gone. */
function textOf(pid: number, file: 'stat' | 'cmdline'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
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

/** An engine whose SQL cells have a process of their own, and a table for them to read. */
export function withBase(use: (engine: Engine) => Promise<void>): Promise<void> {
  return withEngine({ sqlCells: 'process' }, async (engine) => {
    await engine.query('CREATE TABLE base AS SELECT i FROM range(10000) r(i)');
    await use(engine);
  });
}
