/** Makes equal concurrent calls only once: one call goes out, and the others wait for its answer. */

import { TIMER_MAX_MS } from '../limits.ts';

/** A call that waits for the answer of an equal call. */
export interface Listener {
  /** Called when the equal call has ended, with its answer; undefined if it has no answer to share. */
  hear(text: string | undefined): void;
  /** True if the waiting statement lets later statements find the answer. */
  readonly keeps: boolean;
}

/** How long a call waits for the answer of an equal call, and what ends the wait. */
export interface Following {
  readonly waitMs: number;
  readonly signal: AbortSignal;
  readonly keeps: boolean;
}

/** The calls in flight by call key, with the calls that wait for their answers. */
export class SingleFlight {
  readonly #out = new Set<string>();
  readonly #listeners = new Map<string, Set<Listener>>();

  /** True if a call with this key is in flight. */
  isOut(callKey: string): boolean {
    return this.#out.has(callKey);
  }

  /** A call goes out. `land` must follow. */
  lead(callKey: string): void {
    this.#out.add(callKey);
  }

  /** The call has ended, with or without an answer. */
  land(callKey: string, text: string | undefined): void {
    this.#out.delete(callKey);
    const listeners = this.#listeners.get(callKey);
    this.#listeners.delete(callKey);
    for (const listener of listeners ?? []) listener.hear(text);
  }

  /** True if a waiting call lets later statements find the answer, even if the calling statement does not. */
  isKept(callKey: string): boolean {
    for (const { keeps } of this.#listeners.get(callKey) ?? []) if (keeps) return true;
    return false;
  }

  /** Calls the listener once, when a call with this key ends. Returns a function that removes the listener. */
  listen(callKey: string, listener: Listener): () => void {
    let listeners = this.#listeners.get(callKey);
    if (listeners === undefined) {
      listeners = new Set();
      this.#listeners.set(callKey, listeners);
    }
    const joined = listeners;
    joined.add(listener);
    return () => {
      joined.delete(listener);
      if (joined.size === 0 && this.#listeners.get(callKey) === joined) {
        this.#listeners.delete(callKey);
      }
    };
  }

  /** Returns the answer of the call in flight; undefined if there is none in time, or if the signal aborts. */
  follow(callKey: string, { waitMs, signal, keeps }: Following): Promise<string | undefined> {
    return new Promise((resolve) => {
      const end = (text: string | undefined): void => {
        off();
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        resolve(text);
      };
      const onAbort = (): void => end(undefined);
      const timer = setTimeout(onAbort, Math.min(TIMER_MAX_MS, Math.max(0, Math.ceil(waitMs))));
      const off = this.listen(callKey, { hear: end, keeps });
      signal.addEventListener('abort', onAbort);
      if (signal.aborted || !this.isOut(callKey)) end(undefined);
    });
  }
}
