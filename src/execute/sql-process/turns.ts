/** Turns of two kinds, in the order in which they were asked for: several at a time, or one alone. */
import { cancelledError } from '../../errors.ts';

interface Waiter {
  readonly alone: boolean;
  readonly grant: () => void;
}

export class Turns {
  readonly #limit: number;
  readonly #waiters = new Set<Waiter>();
  #taken = 0;
  #isAlone = false;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Waits for a turn; the returned function ends it. Rejects `RVB_CANCELLED` on abort. */
  async take(alone: boolean, signal: AbortSignal): Promise<() => void> {
    if (signal.aborted) throw cancelledError();
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiters.delete(waiter);
        this.#next();
        reject(cancelledError());
      };
      const waiter: Waiter = {
        alone,
        grant: () => {
          signal.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiters.add(waiter);
      this.#next();
    });
    return () => {
      this.#taken -= 1;
      this.#isAlone = false;
      this.#next();
    };
  }

  #next(): void {
    for (const waiter of this.#waiters) {
      const room = waiter.alone ? this.#taken === 0 : this.#taken < this.#limit;
      // Nobody passes one that waits to be alone: it would wait for ever.
      if (this.#isAlone || !room) return;
      this.#waiters.delete(waiter);
      this.#taken += 1;
      this.#isAlone = waiter.alone;
      waiter.grant();
    }
  }
}
