/** Runs the shell on pipes that look like a terminal to it, or on a pseudo-terminal, and types keys. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import * as assert from 'uvu/assert';

const MAIN = fileURLToPath(new URL('../../../bundle/rvbbit.js', import.meta.url));
const AS_TERMINAL = new URL('./as-terminal.js', import.meta.url).href;
/** Sets the size of the pseudo-terminal, and says at the end how the shell has left it. */
const ON_PTY = 'trap : INT; stty cols "$COLUMNS" rows "$LINES"; "$0" "$@"; echo "exit $?"; stty -a';
const WAIT_MS = 20_000;

interface TerminalSettings {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly columns?: number;
  readonly rows?: number;
  /** The program, with its arguments, that runs a command on a pseudo-terminal. */
  readonly pty?: readonly string[];
}

/** One process of the shell. */
export class Terminal {
  /** All that was written to the terminal, with its escape sequences. */
  raw = '';
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  #hasEnded = false;
  #seen = 0;
  #onText: () => void = () => {};

  constructor(args: readonly string[], settings: TerminalSettings) {
    const { cwd, env = {}, columns = 100, rows = 30, pty } = settings;
    const { FORCE_COLOR: _, ...own } = process.env;
    const [program = '', ...rest] =
      pty === undefined
        ? [process.execPath, '--import', AS_TERMINAL, MAIN, ...args]
        : [...pty, 'sh', '-c', ON_PTY, process.execPath, MAIN, ...args];
    this.#child = spawn(program, rest, {
      cwd,
      env: {
        ...own,
        NO_COLOR: '1',
        RVBBIT_HISTORY: 'off',
        PAGER: 'cat',
        COLUMNS: String(columns),
        LINES: String(rows),
        ...env,
      },
      timeout: 60_000,
      killSignal: 'SIGKILL',
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.raw += text;
        this.#onText();
      });
    }
    this.#child.stdin?.on('error', () => {});
    this.#ended = new Promise((resolve) => {
      this.#child.on('close', (code) => {
        this.#hasEnded = true;
        this.#onText();
        resolve(code);
      });
    });
  }

  /** Types keys. */
  type(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  /** Sends what Ctrl-C sends while a statement runs. */
  interrupt(): void {
    this.#child.kill('SIGINT');
  }

  /** Waits for text that the terminal has not waited for yet. Returns what came, up to the end of the text. */
  async until(pattern: RegExp): Promise<string> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#onText();
    }, WAIT_MS);
    for (;;) {
      const text = this.raw.slice(this.#seen);
      const found = pattern.exec(text);
      if (found !== null) {
        const end = found.index + found[0].length;
        this.#seen += end;
        clearTimeout(timer);
        return stripVTControlCharacters(text.slice(0, end));
      }
      if (isLate || this.#hasEnded) {
        clearTimeout(timer);
        assert.unreachable(`${pattern} did not come, but ${JSON.stringify(text)}`);
      }
      await new Promise<void>((resolve) => {
        this.#onText = resolve;
      });
    }
  }

  /** Types a line and waits for the next prompt. Returns what came before it. */
  async run(line: string): Promise<string> {
    this.type(`${line}\r`);
    await this.until(/\n/);
    const text = await this.until(/rvbbit> /);
    return text.replace(/\r?\n?rvbbit> $/, '');
  }

  /** Types Ctrl-D. Returns the exit code. */
  async end(): Promise<number | null> {
    this.type('\x04');
    return this.#ended;
  }

  get exitCode(): Promise<number | null> {
    return this.#ended;
  }

  /** Ends the process, if it has not ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}
