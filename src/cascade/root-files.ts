/** The files under a cascade root that one load reads. It can tell whether they have changed since. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readRootFile } from './resolve-path.ts';

/** A file that changed less than this time before it was read may change again without a new timestamp. */
const CLOCK_STEP_MS = 50;

const ABSENT = 'absent';

export class RootFiles {
  readonly #root: string;
  /** The state of each file before it was read, by name: its identity, size and timestamps. */
  readonly #stamps = new Map<string, string>();
  #isSettled = true;

  constructor(root: string) {
    this.#root = root;
  }

  /** Reads a file like `readRootFile`. */
  async read(name: string): Promise<Buffer | undefined> {
    const stamp = await this.#stampOf(name, (changedMs) => {
      if (Date.now() - changedMs < CLOCK_STEP_MS) this.#isSettled = false;
    });
    this.#stamps.set(name, stamp);
    return readRootFile(this.#root, name);
  }

  /** Whether reading all files again would certainly give the same bytes. */
  async areUnchanged(): Promise<boolean> {
    if (!this.#isSettled) return false;
    const stamps = await Promise.all([...this.#stamps.keys()].map((name) => this.#stampOf(name)));
    return [...this.#stamps.values()].every((stamp, index) => stamp === stamps[index]);
  }

  async #stampOf(name: string, onChangedMs?: (changedMs: number) => void): Promise<string> {
    const found = await stat(join(this.#root, name), { bigint: true }).catch(() => undefined);
    if (found === undefined) return ABSENT;
    onChangedMs?.(Number(found.ctimeMs));
    return `${found.dev} ${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
  }
}
