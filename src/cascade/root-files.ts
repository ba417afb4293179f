/** The files under the cascade roots that one load reads. It can tell whether they have changed since. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type CascadeRoots, readRootFile, rootsOf } from './resolve-path.ts';

/** A file that changed less than this time before it was read may change again without a new timestamp. */
const CLOCK_STEP_MS = 50;

const ABSENT = 'absent';

export class RootFiles {
  /** In the order in which a file is looked for. */
  readonly roots: readonly string[];
  /** The state of each file before it was read, by path: its identity, size and timestamps. */
  readonly #stamps = new Map<string, string>();
  #isSettled = true;

  constructor(roots: CascadeRoots) {
    this.roots = rootsOf(roots);
  }

  /** Reads a file under the first root that has it. */
  async read(name: string): Promise<Buffer | undefined> {
    for (const root of this.roots) {
      const bytes = await this.readIn(root, name);
      if (bytes !== undefined) return bytes;
    }
    return undefined;
  }

  /** Reads a file under one of the roots, like `readRootFile`. */
  async readIn(root: string, name: string): Promise<Buffer | undefined> {
    const path = join(root, name);
    const stamp = await this.#stampOf(path, (changedMs) => {
      if (Date.now() - changedMs < CLOCK_STEP_MS) this.#isSettled = false;
    });
    this.#stamps.set(path, stamp);
    return readRootFile(root, name);
  }

  /** Whether reading all files again would certainly give the same bytes. */
  async areUnchanged(): Promise<boolean> {
    if (!this.#isSettled) return false;
    const stamps = await Promise.all([...this.#stamps.keys()].map((path) => this.#stampOf(path)));
    return [...this.#stamps.values()].every((stamp, index) => stamp === stamps[index]);
  }

  async #stampOf(path: string, onChangedMs?: (changedMs: number) => void): Promise<string> {
    const found = await stat(path, { bigint: true }).catch(() => undefined);
    if (found === undefined) return ABSENT;
    onChangedMs?.(Number(found.ctimeMs));
    return `${found.dev} ${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
  }
}
