/** A file system in which one operation, or every one from it on, fails; the others are real. */
import { type FileSystem, realFileSystem } from '../../src/journal/disk/file-system.ts';

/** How an operation fails. `short` writes half and succeeds; `torn` writes half and then has no space. */
export type Fault = 'ENOSPC' | 'EIO' | 'EMFILE' | 'short' | 'torn';

/** Counts operations from 1 on. */
export class FaultyFileSystem {
  operations = 0;
  readonly #at: number;
  readonly #fault: Fault;
  /** Everything after the first failure fails too: what a process that was killed would have done. */
  readonly #forGood: boolean;
  #torn = false;

  constructor(at: number, fault: Fault, forGood = false) {
    this.#at = at;
    this.#fault = fault;
    this.#forGood = forGood;
  }

  get files(): FileSystem {
    const real = realFileSystem;
    return {
      makeFolder: (path) => this.#do(() => real.makeFolder(path)),
      list: (folder) => this.#do(() => real.list(folder)),
      facts: (path) => this.#do(() => real.facts(path)),
      exists: (path) => this.#do(() => real.exists(path)),
      openToRead: (path) => this.#do(() => real.openToRead(path)),
      create: (path) => this.#do(() => real.create(path)),
      write: (file, bytes, offset, length) => this.#write(file, bytes, offset, length),
      read: (file, bytes, offset, length, position) =>
        this.#do(() => real.read(file, bytes, offset, length, position)),
      // The disk itself is not under test: what was written is there.
      sync: async () => this.#do(() => undefined),
      syncFolder: async () => this.#do(() => undefined),
      close: (file) => {
        // A process that ends closes its files, whatever else it has not done.
        real.close(file);
        this.#do(() => undefined);
      },
      link: (from, to) => this.#do(() => real.link(from, to)),
      rename: (from, to) => this.#do(() => real.rename(from, to)),
      remove: (path) => this.#do(() => real.remove(path)),
    };
  }

  #do<T>(operation: () => T): T {
    this.operations += 1;
    if (this.#isDue() && this.#fault !== 'short') throw this.#error();
    return operation();
  }

  #write(file: number, bytes: Uint8Array, offset: number, length: number): number {
    this.operations += 1;
    const half = Math.floor(length / 2);
    if (this.#torn) {
      this.#torn = this.#forGood;
      throw this.#error();
    }
    if (this.#isDue()) {
      if (this.#fault !== 'short' && this.#fault !== 'torn') throw this.#error();
      this.#torn = this.#fault === 'torn';
      return half === 0 ? 0 : realFileSystem.write(file, bytes, offset, half);
    }
    return realFileSystem.write(file, bytes, offset, length);
  }

  #isDue(): boolean {
    return this.#forGood ? this.operations >= this.#at : this.operations === this.#at;
  }

  #error(): NodeJS.ErrnoException {
    const code = this.#fault === 'torn' ? 'ENOSPC' : this.#fault;
    return Object.assign(new Error(`${code}: injected`), { code });
  }
}
