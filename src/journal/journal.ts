/** The journal numbers and dates every record and passes it to its listeners. With a state folder it writes to disk. */

import type { RvbbitError } from '../errors.ts';
import { CLOCK_STEP_MS } from '../limits.ts';
import type { AnswerStore, MemoryAnswers } from './answers.ts';
import type { DiskJournal, JournalOptions } from './disk/disk-journal.ts';
import { Lessons } from './lessons.ts';
import { type JournalEntry, type JournalRecord, RECORD_VERSION } from './records.ts';

/** Returns the time in microseconds since the epoch, UTC. Tests pass their own clock. */
export type Clock = () => number;

/**
 * Returns a wall clock with the resolution of the monotonic clock. It never goes back. The monotonic clock stops while
 * the machine sleeps, and setting the wall clock does not change it. So the returned clock jumps forward if the wall
 * clock is more than `CLOCK_STEP_MS` ahead. All parameters are in milliseconds.
 */
export function wallClock(
  originMs: number,
  wallMs: () => number,
  monotonicMs: () => number,
): Clock {
  let startMs = originMs;
  return () => {
    const elapsedMs = monotonicMs();
    const behindMs = wallMs() - (startMs + elapsedMs);
    if (behindMs > CLOCK_STEP_MS) startMs += behindMs;
    return Math.round((startMs + elapsedMs) * 1_000);
  };
}

/** The clock of the machine. */
export const systemClock: Clock = wallClock(performance.timeOrigin, Date.now, () =>
  performance.now(),
);

type Listener = (record: JournalRecord) => void;

/** Where and how records are kept. Without `stateDir` no record is written to disk. */
export interface JournalSettings {
  readonly stateDir?: string;
  /** Returns what the journal keeps. Called when the journal is opened. */
  readonly options?: () => Promise<JournalOptions>;
  /** Called with a message for each problem with the files, and once if answers are not kept. */
  readonly warn?: (message: string) => void;
}

export class Journal {
  readonly #settings: JournalSettings;
  readonly #clock: Clock;
  readonly #listeners = new Set<Listener>();
  #seq = 0;
  #opening: Promise<void> | undefined;
  #disk: DiskJournal | undefined;
  #answers: AnswerStore | undefined;
  #lessons = new Lessons();
  /** Holds the answers if there is no state folder and answers are kept. */
  #memory: MemoryAnswers | undefined;
  #keepsPrompts = false;
  #answersKept = true;

  constructor(settings: JournalSettings = {}, clock: Clock = systemClock) {
    this.#settings = settings;
    this.#clock = clock;
  }

  /** True if prompts are kept with the calls. */
  get keepsPrompts(): boolean {
    return this.#keepsPrompts;
  }

  /** True if later calls can find the answers. */
  get answersKept(): boolean {
    return this.#answersKept;
  }

  /** The current time of the clock that dates the records, µs since the epoch. */
  nowUs(): number {
    return this.#clock();
  }

  /** Prepares the journal for a statement whose records are kept. Plain SQL does not need it. */
  open(): Promise<void> {
    this.#opening ??= this.#open().catch((thrown: unknown) => {
      this.#opening = undefined;
      throw thrown;
    });
    return this.#opening;
  }

  /** The answers of earlier calls. Throws before the journal is open. */
  get answers(): AnswerStore {
    if (this.#answers === undefined) throw new Error('the journal has not been opened');
    return this.#answers;
  }

  /** The parameters that models have refused. */
  get lessons(): Lessons {
    return this.#lessons;
  }

  /**
   * Returns the number of calls of this key that were in flight when their process died. They may have been billed.
   * Each lost call is counted for one later call. This method reads no files: `answers.find` reads them.
   */
  takeLostCalls(callKey: string): number {
    return this.#disk?.takeLostCalls(callKey) ?? 0;
  }

  /** True if another process of the folder makes a call of this key now. */
  isAskedElsewhere(callKey: string): boolean {
    return this.#disk?.isAskedElsewhere(callKey) ?? false;
  }

  /** Calls `listener` with every record from now on, in order. Returns a function that ends the subscription. */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Makes a record of the entry. With `isKept` the record also goes to disk, and later calls can find its answer. */
  append(
    names: { session: string; caller: string },
    entry: JournalEntry,
    isKept: boolean,
  ): JournalRecord {
    this.#seq += 1;
    const record: JournalRecord = Object.freeze({
      v: RECORD_VERSION,
      seq: this.#seq,
      at: this.#clock(),
      session: names.session,
      caller: names.caller,
      ...entry,
    });
    if (isKept) {
      if (this.#disk === undefined) this.#memory?.remember(record);
      else this.#disk.append(record);
    }
    for (const listener of this.#listeners) listener(record);
    return record;
  }

  /** Why calls cannot be recorded, and so must not go out, if they cannot. */
  get failure(): RvbbitError | undefined {
    return this.#disk?.failure;
  }

  /** Writes buffered records to the operating system. Called before the calls that the records name are sent. */
  writeNow(): void {
    this.#disk?.writeNow();
  }

  /** Resolves once all kept records are on disk. Rows are delivered only after that. Rejects with RVB_JOURNAL_WRITE. */
  async commit(): Promise<void> {
    await this.#disk?.commit();
  }

  async close(): Promise<void> {
    await this.#opening?.catch(() => {});
    await this.#disk?.close();
  }

  async #open(): Promise<void> {
    const { stateDir, warn = () => {} } = this.#settings;
    const options = (await this.#settings.options?.()) ?? {};
    this.#keepsPrompts = options.prompts === true;
    this.#answersKept = options.answers !== false;
    if (options.answers === false) {
      warn(
        'answers are not kept (journal.answers is false): every call is made, and nothing resumes',
      );
    }
    if (stateDir === undefined) {
      const { MemoryAnswers, NO_ANSWERS } = await import('./answers.ts');
      if (options.answers !== false) this.#memory = new MemoryAnswers();
      this.#answers = this.#memory ?? NO_ANSWERS;
      return;
    }
    const { DiskJournal } = await import('./disk/disk-journal.ts');
    this.#disk = await DiskJournal.open(stateDir, {
      ...options,
      onProblem: ({ message }) => warn(message),
    });
    this.#answers = this.#disk.answers;
    this.#lessons = new Lessons(this.#disk.lessons);
  }
}
