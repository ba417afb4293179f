/** Tracks calls in flight by the signal that cancels them. */

/** A call in flight. */
export interface OpenCall {
  /** Destroys the call's connection without settling the call. */
  drop(): void;
  /** Settles the call as cancelled. */
  cancel(): void;
}

/**
 * The calls in flight, with one listener per signal. When a signal aborts, all connections are destroyed before the
 * first call settles: the work after a settled call takes several times as long as the destruction of its connection.
 */
export class OpenCalls {
  readonly #bySignal = new WeakMap<AbortSignal, Set<OpenCall>>();
  readonly #onCancelled: () => void;
  #size = 0;

  /** At an abort, `onCancelled` is called after `size` has shrunk and before the calls are dropped. */
  constructor(onCancelled: () => void) {
    this.#onCancelled = onCancelled;
  }

  get size(): number {
    return this.#size;
  }

  add(signal: AbortSignal, call: OpenCall): void {
    let calls = this.#bySignal.get(signal);
    if (calls === undefined) {
      const all = new Set<OpenCall>();
      calls = all;
      this.#bySignal.set(signal, calls);
      signal.addEventListener('abort', () => this.#cancel(all), { once: true });
    }
    calls.add(call);
    this.#size += 1;
  }

  delete(signal: AbortSignal, call: OpenCall): void {
    if (this.#bySignal.get(signal)?.delete(call)) this.#size -= 1;
  }

  #cancel(all: Set<OpenCall>): void {
    const calls = [...all];
    all.clear();
    this.#size -= calls.length;
    withoutStacks(() => {
      this.#onCancelled();
      for (const call of calls) call.drop();
    });
    for (const call of calls) call.cancel();
  }
}

/**
 * Runs `work` without stacks in new errors. undici creates an error for each connection that it destroys. Formatting
 * the stacks would take a third of the time for a thousand connections.
 */
function withoutStacks(work: () => void): void {
  const { stackTraceLimit } = Error;
  Reflect.set(Error, 'stackTraceLimit', 0);
  try {
    work();
  } finally {
    Reflect.set(Error, 'stackTraceLimit', stackTraceLimit);
  }
}
