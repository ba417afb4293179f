/** The journal: numbers and dates every record and hands it to whoever listens. */
import type { JournalEntry, JournalRecord } from './records.ts';

/** Microseconds since the epoch, UTC. Tests pass their own. */
export type Clock = () => number;

/** The wall clock with the resolution of the monotonic one. */
export const systemClock: Clock = () =>
  Math.round((performance.timeOrigin + performance.now()) * 1000);

type Listener = (record: JournalRecord) => void;

/** In memory for now: records live as long as their listeners keep them. */
export class Journal {
  readonly #clock: Clock;
  readonly #listeners = new Set<Listener>();
  #seq = 0;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** Now, on the clock of the records. */
  nowUs(): number {
    return this.#clock();
  }

  /** Calls `listener` with every record from now on, in order; returns the way to stop it. */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  append(names: { session: string; caller: string }, entry: JournalEntry): JournalRecord {
    this.#seq += 1;
    const record: JournalRecord = Object.freeze({
      v: 1,
      seq: this.#seq,
      at: this.#clock(),
      session: names.session,
      caller: names.caller,
      ...entry,
    });
    for (const listener of this.#listeners) listener(record);
    return record;
  }
}
