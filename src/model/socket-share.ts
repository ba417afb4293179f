/** Divides the connections to models that this process may open among its workers. */
import { readFileSync } from 'node:fs';

/** The descriptors of a process on a system that does not tell their number: OPEN_MAX of macOS. */
const USUAL_DESCRIPTORS = 10_240;
/** The part of the descriptors that connections to models may take. The rest is for databases, files and clients. */
const SOCKETS_PART = 0.5;

/** The share of each worker of this process, of whichever engine. Only the main thread changes it. */
class SocketShare {
  /** One word, which the workers read too: the connections that each worker may have open. */
  readonly memory = new SharedArrayBuffer(4);
  readonly #word = new Int32Array(this.memory);
  #most: number | undefined;
  #workers = 0;

  /** The connections that each worker may have open, and so the calls that it may have in flight. */
  get each(): number {
    return this.#word[0]!;
  }

  /** So many more workers may run than before, or fewer if `change` is negative. */
  count(change: number): void {
    this.#workers += change;
    this.#most ??= descriptors() * SOCKETS_PART;
    this.#word[0] = Math.max(1, Math.floor(this.#most / Math.max(1, this.#workers)));
  }
}

export const socketShare = new SocketShare();

/** Returns the number of files that the system lets this process have open. */
function descriptors(): number {
  try {
    const limits = readFileSync('/proc/self/limits', 'utf8');
    const soft = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Infinity);
    return Math.min(soft, 2 ** 30);
  } catch {
    return USUAL_DESCRIPTORS;
  }
}
