/** Writes results to the terminal: what fits goes to the screen, and what does not fit goes to the pager. */
import { stripVTControlCharacters } from 'node:util';
import type { Sink } from '../sink/sink.ts';
import { displayWidth } from '../text/width.ts';
import { Pager } from './pager.ts';

/** The lines of the screen that stay free for the account of a statement and the next prompt. */
const FREE_LINES = 3;
/** Text of a statement that has not ended is shown after this time, though more of it may come. */
const HELD_MS = 500;

/** The terminal, and what else is shown on it. */
export interface ScreenSettings {
  readonly output: NodeJS.WriteStream;
  /** The command of the pager; undefined if there is none. */
  readonly pagerCommand: string | undefined;
  /** Removes the progress bar until it is drawn again. */
  readonly beforeText: () => void;
  /** Removes the progress bar for good, because the pager has the screen. */
  readonly beforePager: () => void;
  /** Stops the statement, because nobody reads its rows any more. */
  readonly onPagerEnd: () => void;
}

/** The sink of the shell. */
export class ScreenSink implements Sink {
  results = 0;
  /** The switch of `.pager`. */
  readonly pagerSwitch: { isOn: boolean };
  readonly #settings: ScreenSettings;
  #held: string[] = [];
  #lines = 0;
  #width = 0;
  #timer: NodeJS.Timeout | undefined;
  #isPassing = false;
  #pager: Pager | undefined;

  constructor(settings: ScreenSettings) {
    this.#settings = settings;
    this.pagerSwitch = { isOn: settings.pagerCommand !== undefined };
  }

  /** True if text that does not fit goes to a pager. */
  get hasPager(): boolean {
    return this.pagerSwitch.isOn && this.#settings.pagerCommand !== undefined;
  }

  /** True while a pager has the screen. */
  get isPaging(): boolean {
    return this.#pager !== undefined;
  }

  write(text: string): Promise<void> | undefined {
    if (this.#pager !== undefined) return this.#pager.write(text);
    if (this.#isPassing) return this.#toScreen(text);
    this.#held.push(text);
    this.#measure(text);
    if (this.#fits()) {
      this.#timer ??= setTimeout(() => void this.flush(), HELD_MS);
      return undefined;
    }
    if (!this.hasPager) return this.flush();
    clearTimeout(this.#timer);
    this.#settings.beforePager();
    this.#pager = new Pager(this.#settings.pagerCommand!, this.#settings.onPagerEnd);
    return this.#pager.write(this.#takeHeld());
  }

  /** Writes text to the screen at once, and all text that follows in this result set. */
  showNow(text: string): Promise<void> {
    this.#held.push(text);
    return this.flush();
  }

  async flush(): Promise<void> {
    if (this.#pager !== undefined) return;
    this.#isPassing = true;
    await this.#toScreen(this.#takeHeld());
  }

  /** Ends a result set. Waits until the user has left the pager. */
  async keep(): Promise<void> {
    if (this.#pager === undefined) await this.flush();
    else await this.#pager.end();
    this.#pager = undefined;
    this.#isPassing = false;
    this.#lines = 0;
    this.#width = 0;
    this.results = 0;
  }

  rollback(): Promise<void> {
    return this.keep();
  }

  close(): Promise<void> {
    return this.keep();
  }

  discard(): Promise<void> {
    return this.keep();
  }

  #takeHeld(): string {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const text = this.#held.join('');
    this.#held = [];
    return text;
  }

  #measure(text: string): void {
    const lines = stripVTControlCharacters(text).split('\n');
    this.#lines += lines.length - 1;
    for (const line of lines) {
      if (this.#fits()) this.#width = Math.max(this.#width, displayWidth(line));
    }
  }

  #fits(): boolean {
    const { rows = 24, columns = 80 } = this.#settings.output;
    return this.#lines <= Math.max(1, rows - FREE_LINES) && this.#width <= columns;
  }

  #toScreen(text: string): Promise<void> {
    if (text === '') return Promise.resolve();
    this.#settings.beforeText();
    return new Promise((resolve) => this.#settings.output.write(text, () => resolve()));
  }
}
