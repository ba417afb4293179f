/** The journal: numbers and dates every record, hands it to whoever listens, and keeps it on disk where there is a state folder. */

import type { RvbbitError } from '../errors.ts';
import { CLOCK_STEP_MS } from '../limits.ts';
import type { AnswerStore, MemoryAnswers } from './answers.ts';
import type { DiskJournal, JournalOptions } from './disk/disk-journal.ts';
import { Lessons } from './lessons.ts';
import { type JournalEntry, type JournalRecord, RECORD_VERSION } from './records.ts';

/** Microseconds since the epoch, UTC. Tests pass their own. */
export type Clock = () => number;

/**
 * The wall clock with the resolution of the monotonic one, which stands still while the machine sleeps and knows
 * of no step: where the wall clock is ahead, it is followed. Never goes back. All in milliseconds.
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

/** Where and how records are kept; without `stateDir` they live as long as their listeners keep them. */
export interface JournalSettings {
  readonly stateDir?: string;
  /** What is kept; asked when the first record is to be. */
  readonly options?: () => Promise<JournalOptions>;
  /** Told of damaged records, and that answers are not kept. */
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
  /** The answers, where there is no disk and they are kept. */
  #memory: MemoryAnswers | undefined;
  #keepsPrompts = false;
  #answersKept = true;

  constructor(settings: JournalSettings = {}, clock: Clock = systemClock) {
    this.#settings = settings;
    this.#clock = clock;
  }

  /** Prompts are kept with the calls. */
  get keepsPrompts(): boolean {
    return this.#keepsPrompts;
  }

  /** Answers can be found again. */
  get answersKept(): boolean {
    return this.#answersKept;
  }

  /** Now, on the clock of the records. */
  nowUs(): number {
    return this.#clock();
  }

  /** Makes the journal ready for a statement whose records are kept; plain SQL does without. */
  open(): Promise<void> {
    this.#opening ??= this.#open().catch((thrown: unknown) => {
      this.#opening = undefined;
      throw thrown;
    });
    return this.#opening;
  }

  /** Answers of earlier calls. */
  get answers(): AnswerStore {
    if (this.#answers === undefined) throw new Error('the journal has not been opened');
    return this.#answers;
  }

  /** Parameters that models have refused. */
  get lessons(): Lessons {
    return this.#lessons;
  }

  /**
   * Calls of this key that were out when their process died, and that may have been paid. Each is counted by one
   * later call. The files are read when `answers.find` is asked; this reads none.
   */
  takeLostCalls(callKey: string): number {
    return this.#disk?.takeLostCalls(callKey) ?? 0;
  }

  /** Calls `listener` with every record from now on, in order; returns the way to stop it. */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** `isKept`: the record goes to disk too, and its answer can be found again. */
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

  /** What ended the journal: the disk failed. Nothing is kept from then on. */
  get failure(): RvbbitError | undefined {
    return this.#disk?.failure;
  }

  /** Hands what is kept to the operating system, before the calls that it names go out. */
  writeNow(): void {
    this.#disk?.writeNow();
  }

  /** Resolves once all that is kept is on disk, before rows are delivered. Rejects with RVB_JOURNAL_WRITE. */
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
