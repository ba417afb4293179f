/** Starts the process that is to be killed and reads what it says. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Notice, Summary } from '../../src/index.ts';
import type { ChildTask } from './child.ts';

const PROGRAM = fileURLToPath(new URL('./child.js', import.meta.url));

/** The cascades in `test/fixtures/kill`, seen from `dist`. */
export const cascades: string = fileURLToPath(
  new URL('../../../test/fixtures/kill', import.meta.url),
);

export interface Line {
  readonly began?: true;
  readonly row?: { readonly n: number; readonly v: unknown };
  readonly done?: Summary;
  readonly notices?: readonly Notice[];
}

/** What a child came to. */
export interface ChildEnd {
  readonly signal: NodeJS.Signals | null;
  readonly code: number | null;
  readonly rows: readonly { readonly n: number; readonly v: unknown }[];
  readonly summary: Summary | undefined;
  readonly notices: readonly Notice[];
  readonly errors: string;
  /** Wall clock. */
  readonly killedMs: number | undefined;
}

/** When a child is killed: so long after it was started, after its first call, or after something became so. */
export interface Kill {
  readonly after: 'start' | 'first-call' | (() => boolean);
  readonly ms: number;
}

/** How often a child is looked at that is to be killed after something. */
const LOOK_MS = 5;

/** Runs a child to its end, or to the kill. */
export function runChild(task: ChildTask, kill?: Kill): Promise<ChildEnd> {
  const child = spawn(process.execPath, [PROGRAM, JSON.stringify(task)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: Line[] = [];
  let errors = '';
  let timer: NodeJS.Timeout | undefined;
  let killedMs: number | undefined;
  const killIn = (ms: number) => {
    timer = setTimeout(() => {
      killedMs = performance.timeOrigin + performance.now();
      child.kill('SIGKILL');
    }, ms);
  };
  if (kill?.after === 'start') killIn(kill.ms);
  const { after } = kill ?? {};
  const looks =
    typeof after === 'function'
      ? setInterval(() => {
          if (!after()) return;
          clearInterval(looks);
          killIn(kill!.ms);
        }, LOOK_MS)
      : undefined;
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (text) => {
    let line: Line;
    try {
      line = JSON.parse(text) as Line;
    } catch {
      // Torn by the kill.
      return;
    }
    lines.push(line);
    if (line.began === true && kill?.after === 'first-call') killIn(kill.ms);
  });
  const read = new Promise<void>((resolve) => reader.on('close', resolve));
  child.stderr.on('data', (part: Buffer) => {
    errors += part.toString();
  });
  return new Promise((resolve) => {
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      clearInterval(looks);
      const last = lines.find(({ done }) => done !== undefined);
      void read.then(() =>
        resolve({
          signal,
          code,
          rows: lines.flatMap(({ row }) => (row === undefined ? [] : [row])),
          summary: last?.done,
          notices: last?.notices ?? [],
          errors,
          killedMs,
        }),
      );
    });
  });
}
