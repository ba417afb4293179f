/** Calls that have not settled, by the signal that cancels them. */

/** A call that is out. */
export interface OpenCall {
  /** Destroys its connection; tells nobody. */
  drop(): void;
  /** Settles it as cancelled. */
  cancel(): void;
}

/**
 * One listener serves all calls of a signal. When it aborts, every connection is destroyed before the first
 * call settles: what follows a settled call takes several times as long as its connection.
 */
export class OpenCalls {
  readonly #bySignal = new WeakMap<AbortSignal, Set<OpenCall>>();
  readonly #onCancelled: () => void;
  #size = 0;

  /** `onCancelled` is called at an abort, when the calls are no longer counted and before they are dropped. */
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
 * Errors made by `work` have no stack. undici makes one a connection that it destroys, and the stream has
 * its stack written out: a third of the time that a thousand connections take.
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
