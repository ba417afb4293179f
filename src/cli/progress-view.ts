/** Shows progress on stderr: a bar on a terminal, a line now and then where there is none. */

import type { EventEmitter } from 'node:events';
import type { SingleBar } from 'cli-progress';
import type { JournalRecord } from '../journal/records.ts';
import { foldProgress, type Progress, progressText } from './progress.ts';
import { say } from './stderr.ts';
import { visible } from './text/escape.ts';

/** A statement that is over sooner shows no bar. */
const BAR_AFTER_MS = 300;
const LINE_EVERY_MS = 5_000;
const BAR_FRAMES_PER_SECOND = 5;

/** How progress is shown. `bar` falls back to nothing once stderr is gone. */
export type ProgressMode = 'bar' | 'lines' | 'none';

/** Listens to an engine until closed. */
export class ProgressView {
  readonly #events: EventEmitter;
  readonly #mode: ProgressMode;
  readonly #onRecord = (record: JournalRecord) => this.#take(record);
  #progress: Progress | undefined;
  #timer: NodeJS.Timeout | undefined;
  #bar: SingleBar | undefined;

  constructor(events: EventEmitter, mode: ProgressMode) {
    this.#events = events;
    this.#mode = mode;
    events.on('record', this.#onRecord);
  }

  /** The last statement that ran a cascade, if any. */
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
    if (this.#mode === 'lines') {
      this.#timer = setInterval(() => this.#line(), LINE_EVERY_MS).unref();
    } else if (this.#mode === 'bar') {
      this.#timer = setTimeout(() => void this.#showBar(), BAR_AFTER_MS).unref();
    }
  }

  /** Takes the bar off the screen, so that something else can be written there. */
  hide(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#bar?.stop();
    this.#bar = undefined;
  }

  #line(): void {
    const progress = this.#progress;
    if (progress !== undefined)
      say(`${progress.cascade}: ${progressText(progress, Date.now() * 1000)}`);
  }

  async #showBar(): Promise<void> {
    const timer = this.#timer;
    const { default: cliProgress } = await import('cli-progress');
    // The statement may have ended while the module was loading.
    if (timer === undefined || this.#timer !== timer) return;
    this.#bar = new cliProgress.SingleBar({
      format: '{cascade} {bar} {text}',
      barsize: 24,
      barCompleteChar: '━',
      barIncompleteChar: '─',
      clearOnComplete: true,
      stream: process.stderr,
      gracefulExit: false,
      linewrap: null,
    });
    this.#bar.start(1, 0, { cascade: '', text: '' });
    this.#timer = setInterval(() => this.#update(), 1000 / BAR_FRAMES_PER_SECOND).unref();
    this.#update();
  }

  #update(): void {
    const progress = this.#progress;
    if (progress === undefined || this.#bar === undefined) return;
    this.#bar.setTotal(Math.max(1, progress.total ?? 1));
    this.#bar.update(progress.done, {
      cascade: visible(progress.cascade),
      text: progressText(progress, Date.now() * 1000),
    });
  }

  close(): void {
    this.hide();
    this.#events.off('record', this.#onRecord);
  }
}
