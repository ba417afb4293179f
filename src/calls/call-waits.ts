/** Holds the signals that end a statement's waits before calls: one signal for each worker thread. */
import { setMaxListeners } from 'node:events';

/** The signals of one statement. */
export class CallWaits {
  readonly #byThread = new Map<number, AbortController>();
  #ended = false;

  /** Returns the signal that aborts when the thread has died or the statement makes no more calls. */
  signalOf(threadId: number): AbortSignal {
    let controller = this.#byThread.get(threadId);
    if (controller === undefined) {
      controller = new AbortController();
      // Every waiting call adds a listener.
      setMaxListeners(0, controller.signal);
      if (this.#ended) controller.abort();
      this.#byThread.set(threadId, controller);
    }
    return controller.signal;
  }

  /** Aborts the thread's signal. Thread ids are never reused. */
  end(threadId: number): void {
    this.signalOf(threadId);
    this.#byThread.get(threadId)!.abort();
  }

  /** Aborts all signals, including those of threads that ask later. */
  endAll(): void {
    this.#ended = true;
    for (const controller of this.#byThread.values()) controller.abort();
  }
}
