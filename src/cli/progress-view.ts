/** Shows progress on stderr: a bar on a terminal, an occasional line elsewhere. */

import type { EventEmitter } from 'node:events';
import type { JournalRecord } from '../journal/records.ts';
import { foldProgress, type Progress, progressText } from './progress.ts';
import { say } from './stderr.ts';
import { visible } from './text/escape.ts';
import { fitWidth } from './text/width.ts';

/** A statement that ends sooner shows no bar. */
const BAR_AFTER_MS = 300;
const BAR_EVERY_MS = 200;
const LINE_EVERY_MS = 5_000;
const BAR_CELLS = 24;
/** The assumed width of a terminal that does not report its width. */
const DEFAULT_COLUMNS = 80;
/** Moves the cursor to the beginning of the line and erases the line. */
const CLEAR_LINE = '\r\x1b[K';

/** How progress is shown on stderr. */
export type ProgressMode = 'bar' | 'lines' | 'none';

/** Shows the progress of an engine's statements, until it is closed. */
export class ProgressView {
  readonly #events: EventEmitter;
  readonly mode: ProgressMode;
  readonly #terminal: Pick<NodeJS.WriteStream, 'write' | 'columns'>;
  readonly #onRecord = (record: JournalRecord) => this.#take(record);
  #progress: Progress | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isBarShown = false;

  /** `terminal` is where the bar is drawn. */
  constructor(
    events: EventEmitter,
    mode: ProgressMode,
    terminal: Pick<NodeJS.WriteStream, 'write' | 'columns'> = process.stderr,
  ) {
    this.#events = events;
    this.mode = mode;
    this.#terminal = terminal;
    events.on('record', this.#onRecord);
  }

  /** The progress of the last statement that ran a cascade, if any. */
  get last(): Progress | undefined {
    return this.#progress;
  }

  #take(record: JournalRecord): void {
    this.#progress = foldProgress(this.#progress, record);
    if (record.caller !== this.#progress?.caller) return;
    if (record.t === 'statement.open') this.#begin();
    if (record.t === 'statement.close') this.hide();
  }

  #begin(): void {
    this.hide();
    if (this.mode === 'lines') {
      this.#timer = setInterval(() => this.#line(), LINE_EVERY_MS).unref();
    } else if (this.mode === 'bar') {
      this.#timer = setTimeout(() => {
        this.#timer = setInterval(() => this.#draw(), BAR_EVERY_MS).unref();
        this.#draw();
      }, BAR_AFTER_MS).unref();
    }
  }

  /** Removes the bar from the screen until the next statement. */
  hide(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.stepAside();
  }

  /** Removes the bar from the screen, so that something else can be written there. The bar comes back below it. */
  stepAside(): void {
    if (this.#isBarShown) this.#terminal.write(CLEAR_LINE);
    this.#isBarShown = false;
  }

  #line(): void {
    const progress = this.#progress;
    if (progress !== undefined)
      say(`${progress.cascade}: ${progressText(progress, Date.now() * 1000)}`);
  }

  #draw(): void {
    const progress = this.#progress;
    if (progress === undefined) return;
    const text = progressText(progress, Date.now() * 1000);
    const line = `${visible(progress.cascade)} ${barText(progress)} ${text}`;
    // A line that fills the last cell would wrap, and a wrapped line cannot be erased.
    const width = (this.#terminal.columns || DEFAULT_COLUMNS) - 1;
    this.#terminal.write(`${CLEAR_LINE}${fitWidth(line, width)}`);
    this.#isBarShown = true;
  }

  close(): void {
    this.hide();
    this.#events.off('record', this.#onRecord);
  }
}

function barText({ done, total }: Progress): string {
  const filled = Math.floor(BAR_CELLS * Math.min(1, done / Math.max(1, total ?? 1)));
  return '━'.repeat(filled) + '─'.repeat(BAR_CELLS - filled);
}
