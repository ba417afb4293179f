/** Reads statements and commands from a terminal, with line editing, history, completion and colours. */
import { createInterface, type Interface } from 'node:readline';
import { say } from '../stderr.ts';
import { visible } from '../text/escape.ts';
import { commandNamed } from './commands.ts';
import { cutInput, type OpenMark } from './cut-input.ts';
import { HISTORY_ENTRIES, type History } from './history.ts';

const NAME = 'rvbbit';
/** Longer texts are not coloured, because every key would read them anew. */
const PAINTED_MAX_CHARS = 50_000;
/** The time in which a second Ctrl-C at an empty prompt ends the shell. */
const TWICE_MS = 3_000;

/** A terminal's input: raw mode gives the reader every key. */
export type TerminalInput = NodeJS.ReadableStream & { setRawMode?: (isRaw: boolean) => unknown };

/** A terminal's output. */
export type TerminalOutput = NodeJS.WritableStream & { readonly rows?: number };

export interface ReaderSettings {
  readonly input: TerminalInput;
  readonly output: TerminalOutput;
  readonly history: History;
  /** Returns what may stand at the end of the text, and how much of the text it replaces. */
  readonly complete: (text: string) => Promise<[string[], string]>;
  /** Colours the text from an offset on; undefined without colours. */
  readonly highlight: ((text: string, from: number) => string) | undefined;
}

/** Reads one terminal. Between two calls of `next` the terminal is as other programs expect it, and Ctrl-C is a signal. */
export class Reader {
  readonly #settings: ReaderSettings;
  readonly #lines: Interface;
  /** Lines that have come and are not read yet. */
  readonly #queue: string[] = [];
  /** The lines of a statement that is not complete. */
  #pending = '';
  #open: OpenMark = '>';
  #isAsking = false;
  #isClosed = false;
  #wake: () => void = () => {};
  #emptyInterruptAt = Number.NEGATIVE_INFINITY;
  /** The list of readline, which it fills with lines. It gets statements instead. */
  #shownHistory: string[] | undefined;
  #repaint: NodeJS.Immediate | undefined;

  constructor(settings: ReaderSettings) {
    const { input, output, history } = settings;
    this.#settings = settings;
    this.#lines = createInterface({
      input,
      output,
      terminal: true,
      history: [...history.entries],
      historySize: HISTORY_ENTRIES,
      completer: (line: string, done: (error: null, result: [string[], string]) => void) => {
        void this.#complete(line).then((result) => {
          done(null, result);
          this.#paintSoon();
        });
      },
    });
    this.#lines.on('history', (list) => {
      this.#shownHistory = list;
    });
    this.#lines.on('line', (line) => this.#take(line));
    this.#lines.on('SIGINT', () => this.interrupt());
    this.#lines.on('close', () => {
      this.#isClosed = true;
      this.#wake();
    });
    if (settings.highlight !== undefined) input.on('keypress', () => this.#paintSoon());
    this.#rest();
  }

  /** Returns the next text that is complete: one or more statements or commands. Undefined at the end of the input. */
  async next(): Promise<string | undefined> {
    for (;;) {
      while (this.#queue.length > 0) {
        const complete = this.#join(this.#queue.shift()!);
        if (complete !== undefined) return complete;
      }
      if (this.#isClosed) return undefined;
      await this.#ask();
    }
  }

  /** Drops what was typed and not run. A second call at an empty prompt ends the input. */
  interrupt(): void {
    const typed = this.#lines.line;
    const isEmpty = typed === '' && this.#pending === '';
    this.drop();
    if (!this.#isAsking) return;
    // Ctrl-E and Ctrl-U: readline has no other way to empty its line.
    this.#lines.write(null, { ctrl: true, name: 'e' });
    this.#lines.write(null, { ctrl: true, name: 'u' });
    this.#settings.output.write(`${visible(typed)}^C\n`);
    const now = performance.now();
    if (isEmpty && now - this.#emptyInterruptAt < TWICE_MS) {
      this.#lines.close();
      return;
    }
    this.#emptyInterruptAt = isEmpty ? now : Number.NEGATIVE_INFINITY;
    if (isEmpty) say('Ctrl-C again ends the shell, and so does Ctrl-D');
    this.#prompt();
  }

  /** Drops lines that have come and were not run. */
  drop(): void {
    this.#queue.length = 0;
    this.#pending = '';
    this.#open = '>';
  }

  close(): void {
    clearImmediate(this.#repaint);
    if (!this.#isClosed) this.#lines.close();
    this.#settings.input.setRawMode?.(false);
  }

  #take(line: string): void {
    this.#emptyInterruptAt = Number.NEGATIVE_INFINITY;
    this.#queue.push(line);
    this.#wake();
  }

  /** Adds a line. Returns the text up to the last complete statement or command, if there is one. */
  #join(line: string): string | undefined {
    const before = this.#pending;
    if (this.#open === '-') warnOfCommand(line);
    const { complete, rest, open } = cutInput(before === '' ? spelt(line) : `${before}\n${line}`);
    this.#pending = rest.trimStart();
    this.#open = this.#pending === '' ? '>' : open;
    if (complete.trim() === '') {
      this.#showHistory();
      return undefined;
    }
    this.#settings.history.add(complete);
    this.#showHistory();
    return complete;
  }

  /** Puts statements in place of the lines that readline has added to its list. */
  #showHistory(): void {
    this.#shownHistory?.splice(0, Number.POSITIVE_INFINITY, ...this.#settings.history.entries);
  }

  async #ask(): Promise<void> {
    this.#settings.input.setRawMode?.(true);
    this.#isAsking = true;
    this.#prompt();
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#isAsking = false;
    if (!this.#isClosed) this.#rest();
  }

  #rest(): void {
    this.#lines.pause();
    this.#settings.input.setRawMode?.(false);
  }

  #prompt(): void {
    this.#lines.setPrompt(promptOf(this.#open));
    // What was typed while a statement ran stands behind the prompt.
    this.#lines.prompt(true);
    this.#paintSoon();
  }

  async #complete(line: string): Promise<[string[], string]> {
    const text = this.#pending === '' ? line : `${this.#pending}\n${line}`;
    return this.#settings.complete(text).catch(() => [[], '']);
  }

  /** Colours the line once all keys that have come are handled. */
  #paintSoon(): void {
    if (this.#settings.highlight === undefined) return;
    this.#repaint ??= setImmediate(() => {
      this.#repaint = undefined;
      if (this.#isAsking && !this.#isClosed) this.#paint();
    });
  }

  /** Writes the line anew over itself, with colours, and puts the cursor back. */
  #paint(): void {
    const { output, highlight } = this.#settings;
    const { line } = this.#lines;
    const before = this.#pending === '' ? '' : `${this.#pending}\n`;
    const { rows } = this.#lines.getCursorPos();
    const fits = rows < (output.rows ?? 24) - 1 && before.length + line.length < PAINTED_MAX_CHARS;
    if (line === '' || !fits || highlight === undefined) return;
    const coloured = highlight(before + line, before.length);
    const up = rows === 0 ? '' : `\x1b[${rows}A`;
    output.write(`\x1b7${up}\r${this.#lines.getPrompt()}${coloured}\x1b8`);
  }
}

/** Returns the prompt, which shows what is open. All prompts have the same width. */
function promptOf(open: OpenMark): string {
  if (open === '>') return `${NAME}> `;
  return `${open.padStart(NAME.length)}> `;
}

/** Says that a command inside a statement is taken as a part of it. */
function warnOfCommand(line: string): void {
  const [name = ''] = /^\s*[.\\][a-z?]+/i.exec(line) ?? [];
  if (commandNamed(name.trim()) === undefined) return;
  say(`${name.trim()} is a part of the statement above: end that with ; or drop it with Ctrl-C`);
}

/** Words that stand alone for a command, as in psql. */
function spelt(line: string): string {
  const word = /^\s*(help|exit|quit)\s*;?\s*$/i.exec(line)?.[1];
  return word === undefined ? line : `.${word.toLowerCase()}`;
}
