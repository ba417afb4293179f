/** Reads the records of a journal folder as they are written. */
import { type FileSystem, unlessGone } from './file-system.ts';
import { type Damage, type ReadLine, readSegment } from './segment-reader.ts';
import { segmentNames } from './survey.ts';

/** Reads the records of all processes that were written since the last `read`. */
export class JournalTail {
  readonly #files: FileSystem;
  readonly #folder: string;
  readonly #onDamage: (damage: Damage) => void;
  /** For each segment: the byte offset at which the last whole line ends. */
  readonly #ends = new Map<string, number>();

  constructor(files: FileSystem, folder: string, onDamage: (damage: Damage) => void) {
    this.#files = files;
    this.#folder = folder;
    this.#onDamage = onDamage;
  }

  /** Calls `visit` with each new record, segment by segment. */
  read(visit: (line: ReadLine) => void): void {
    for (const name of segmentNames(this.#files, this.#folder)) {
      const from = this.#ends.get(name) ?? 0;
      const size = this.#files.facts(`${this.#folder}/${name}`)?.size ?? 0;
      if (size <= from) continue;
      const end = unlessGone(() =>
        readSegment(this.#files, this.#folder, name, from, visit, this.#onDamage),
      );
      if (end !== undefined) this.#ends.set(name, end.end);
    }
  }
}
