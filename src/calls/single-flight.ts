/** Equal calls that are wanted at the same time are made once: one goes out, the others wait for its answer. */

import { TIMER_MAX_MS } from '../limits.ts';

/** Someone who waits for an equal call's answer. */
export interface Listener {
  /** Gets the answer of a call that has ended; nothing where it has none to share. */
  hear(text: string | undefined): void;
  /** Later statements may find the answer. */
  readonly keeps: boolean;
}

/** How long to wait for an answer, and what for. */
export interface Following {
  readonly waitMs: number;
  readonly signal: AbortSignal;
  readonly keeps: boolean;
}

export class SingleFlight {
  readonly #out = new Set<string>();
  readonly #listeners = new Map<string, Set<Listener>>();

  /** A call with this key is out. */
  isOut(callKey: string): boolean {
    return this.#out.has(callKey);
  }

  /** A call goes out; it must `land`. */
  lead(callKey: string): void {
    this.#out.add(callKey);
  }

  /** The call has ended, with an answer or without. */
  land(callKey: string, text: string | undefined): void {
    this.#out.delete(callKey);
    const listeners = this.#listeners.get(callKey);
    this.#listeners.delete(callKey);
    for (const listener of listeners ?? []) listener.hear(text);
  }

  /** Someone waits for the answer and keeps it, whether or not the statement that asks does. */
  isKept(callKey: string): boolean {
    for (const { keeps } of this.#listeners.get(callKey) ?? []) if (keeps) return true;
    return false;
  }

  /** The listener hears once, when a call with this key ends; returns the way to stop it. */
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

  /** The answer of the call that is out; nothing where it has none within that time, or the signal aborts. */
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
