/** Runs the command line, and other code, in this process: Node need not start, and modules are loaded once. */
import { Readable } from 'node:stream';
import { runCommandLine } from '../../src/cli/run-command-line.ts';
import type { Ended } from './spawn.ts';

interface HereSettings {
  readonly cwd?: string;
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
}

let last: Promise<unknown> = Promise.resolve();

/**
 * Runs `rvbbit …args` to its end. One command line runs at a time: the working folder, the variables and the streams
 * are those of this process. Signals, a reader that goes away and a full disk need a process of their own: `rvbbit` of
 * `spawn.ts`.
 */
export function rvbbitHere(args: readonly string[], settings: HereSettings = {}): Promise<Ended> {
  const ended = last.then(() => run(args, settings));
  last = ended.catch(() => {});
  return ended;
}

async function run(
  args: readonly string[],
  { cwd = process.cwd(), stdin = '', env = {} }: HereSettings,
): Promise<Ended> {
  const home = process.cwd();
  const { NO_COLOR: _, FORCE_COLOR: __, ...variables } = process.env;
  const ownInput = Object.getOwnPropertyDescriptor(process, 'stdin')!;
  const input = { ...ownInput, get: () => Readable.from([stdin]) };
  const stdout = new Caught(process.stdout);
  const stderr = new Caught(process.stderr);
  try {
    process.chdir(cwd);
    setVariables({ ...variables, ...env });
    Object.defineProperty(process, 'stdin', input);
    const code = await runCommandLine(args);
    return { code, stdout: stdout.text, stderr: stderr.text };
  } finally {
    stdout.release();
    stderr.release();
    Object.defineProperty(process, 'stdin', ownInput);
    setVariables(variables);
    process.chdir(home);
  }
}

/** Runs code in a working folder and gives what it has written to standard output. Not beside a command line. */
export async function stdoutOf(cwd: string, use: () => Promise<unknown>): Promise<string> {
  const home = process.cwd();
  const stdout = new Caught(process.stdout);
  process.chdir(cwd);
  try {
    await use();
    return stdout.text;
  } finally {
    process.chdir(home);
    stdout.release();
  }
}

function setVariables(variables: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(process.env)) {
    if (!(name in variables)) delete process.env[name];
  }
  Object.assign(process.env, variables);
}

/** The text that is written to a stream of this process. It goes nowhere else. */
class Caught {
  text = '';
  readonly #stream: NodeJS.WriteStream;
  readonly #write: NodeJS.WriteStream['write'];

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
    this.#write = stream.write;
    stream.write = (chunk: string | Uint8Array, ...rest: unknown[]) => {
      this.text += String(chunk);
      const done = rest.at(-1);
      if (typeof done === 'function') setImmediate(() => done());
      return true;
    };
  }

  release(): void {
    this.#stream.write = this.#write;
  }
}
