/** Hands permits out in the order of the requests. */

import { setMaxListeners } from 'node:events';
import { cancelledError } from '../errors.ts';

interface PermitWait {
  readonly grant: () => void;
}

/** A counting semaphore with a FIFO queue. A waiter whose signal aborts leaves the queue at once. */
export class Semaphore {
  #free: number;
  readonly #waiters = new Set<PermitWait>();
  readonly #onContended = new Set<() => void>();

  constructor(permits: number) {
    this.#free = permits;
  }

  /** Waits for a permit. The returned function gives the permit back, once. Rejects with `RVB_CANCELLED` on abort. */
  async acquire(signal?: AbortSignal): Promise<() => void> {
    if (signal?.aborted) throw cancelledError();
    const permit = this.tryAcquire();
    if (permit !== undefined) return permit;
    await this.#wait(signal);
    return this.#permit();
  }

  /** Returns a permit as `acquire` does, or undefined if `acquire` would wait. */
  tryAcquire(): (() => void) | undefined {
    if (this.#free === 0 || this.#waiters.size > 0) return undefined;
    this.#free -= 1;
    return this.#permit();
  }

  /** Calls `tell` each time that a caller begins to wait for a permit, and now if one waits. Returns the end of this. */
  onContended(tell: () => void): () => void {
    if (this.#waiters.size > 0) tell();
    this.#onContended.add(tell);
    return () => this.#onContended.delete(tell);
  }

  #permit(): () => void {
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#giveBack();
    };
  }

  /** Holds a permit while `work` runs. */
  async use<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const release = await this.acquire(signal);
    try {
      return await work();
    } finally {
      release();
    }
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#waiters.delete(waiter);
        reject(cancelledError());
      };
      const waiter: PermitWait = {
        grant: () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      this.#waiters.add(waiter);
      for (const tell of this.#onContended) tell();
      if (signal !== undefined) {
        // A statement's signal has one listener per waiting row. Node warns past ten.
        setMaxListeners(0, signal);
        signal.addEventListener('abort', onAbort, { once: true });
      }
    });
  }

  #giveBack(): void {
    const [next] = this.#waiters;
    if (next === undefined) {
      this.#free += 1;
      return;
    }
    this.#waiters.delete(next);
    next.grant();
  }
}
