/** The signals that end a statement's waits for leave to call: one for each worker thread that waits. */
import { setMaxListeners } from 'node:events';

export class CallWaits {
  readonly #byThread = new Map<number, AbortController>();
  #ended = false;

  /** Aborts when the thread has died, or nobody waits any more. */
  signalOf(threadId: number): AbortSignal {
    let controller = this.#byThread.get(threadId);
    if (controller === undefined) {
      controller = new AbortController();
      // Every call that waits listens.
      setMaxListeners(0, controller.signal);
      if (this.#ended) controller.abort();
      this.#byThread.set(threadId, controller);
    }
    return controller.signal;
  }

  /** The thread waits no more. Numbers of threads are not used twice. */
  end(threadId: number): void {
    this.signalOf(threadId);
    this.#byThread.get(threadId)!.abort();
  }

  /** Nothing waits any more, and nothing will. */
  endAll(): void {
    this.#ended = true;
    for (const controller of this.#byThread.values()) controller.abort();
  }
}
