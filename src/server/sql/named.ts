/** What a connection keeps under names: its prepared statements, and its portals and cursors. */
import { refusal } from './protocol-error.ts';

/** The most that a connection keeps of either kind. */
export const MAX_NAMED = 5_000;
/** The most bytes of the texts and values that it keeps of either kind, and of unread rows. */
export const HELD_BYTES = 32 * 1024 * 1024;

export class Named<T> {
  readonly #what: string;
  readonly #notThere: string;
  readonly #kept = new Map<string, { readonly value: T; readonly bytes: number }>();
  #bytes = 0;

  /** `notThere`: the SQLSTATE of a name that is not there. */
  constructor(what: string, notThere: string) {
    this.#what = what;
    this.#notThere = notThere;
  }

  has(name: string): boolean {
    return this.#kept.has(name);
  }

  /** Throws for a name that is not there. */
  get(name: string, what: string = this.#what): T {
    const known = this.#kept.get(name);
    if (known === undefined) throw refusal(this.#notThere, `${what} "${name}" does not exist`);
    return known.value;
  }

  /** Throws if there is no room for another value of so many bytes. */
  checkRoom(bytes: number): void {
    if (this.#kept.size >= MAX_NAMED) {
      throw refusal('54000', `a connection has at most ${MAX_NAMED} ${this.#what}s`);
    }
    if (this.#bytes + bytes > HELD_BYTES) {
      throw refusal(
        '53400',
        `the ${this.#what}s of a connection take at most ${HELD_BYTES} bytes, and this one would take them to ${this.#bytes + bytes}: close others first`,
      );
    }
  }

  /** Keeps a value under a name that is free. */
  set(name: string, value: T, bytes: number): void {
    this.checkRoom(bytes);
    this.#bytes += bytes;
    this.#kept.set(name, { value, bytes });
  }

  /** Drops a name, if it is there, and returns what it stood for. */
  delete(name: string): T | undefined {
    const known = this.#kept.get(name);
    this.#bytes -= known?.bytes ?? 0;
    this.#kept.delete(name);
    return known?.value;
  }

  /** Drops all names, and returns what they stood for. */
  clear(): readonly T[] {
    const values = [...this.#kept.values()].map(({ value }) => value);
    this.#kept.clear();
    this.#bytes = 0;
    return values;
  }
}
