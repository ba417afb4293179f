/** Stops a statement: by its one signal, by its deadline, or by draining. */
import { cancelledError, messageOf, RvbbitError } from '../errors.ts';
import { TIMER_MAX_MS } from '../limits.ts';

/** Returns the error of a statement that ran past its `deadline`. */
function pastDeadline(deadlineMs: number): RvbbitError {
  return new RvbbitError(
    'RVB_DEADLINE',
    `the statement ran past its deadline of ${deadlineMs} ms; raise WITH (deadline = …) or read fewer rows`,
    { stage: 'execute' },
  );
}

/** Returns the reason for which a signal of the engine was aborted. */
export function reasonOf(signal: AbortSignal): RvbbitError {
  return signal.reason instanceof RvbbitError ? signal.reason : cancelledError();
}

/** Why a statement is drained: its budget is used up, or its caller wants no more rows. */
export type DrainReason = 'budget' | 'interrupted';

/**
 * One signal for a statement, which can also be drained. The signal aborts with RVB_CANCELLED when the caller's or the
 * engine's signal does, and with RVB_DEADLINE when the time is up. `dispose` removes the listeners.
 */
export class StatementSignal {
  readonly #controller = new AbortController();
  readonly #sources: readonly AbortSignal[];
  readonly #onAbort = () => this.abort(cancelledError());
  readonly #drainSource: AbortSignal | undefined;
  /** Drains the statement, or aborts it at once if it has no rows in flight. */
  readonly #onInterrupt = () => {
    if (this.#onDrain.size > 0) this.drain('interrupted');
    else this.#onAbort();
  };
  readonly #onDrain = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;
  #drained: DrainReason | undefined;

  constructor(sources: readonly (AbortSignal | undefined)[], drain?: AbortSignal) {
    this.#drainSource = drain;
    if (drain?.aborted === true) this.#onInterrupt();
    else if (drain !== undefined) follow(drain, this.#onInterrupt);
    this.#sources = sources.filter((source) => source !== undefined);
    for (const source of this.#sources) {
      if (source.aborted) this.#onAbort();
      else follow(source, this.#onAbort);
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Lets the statement end early: no further run starts, runs in flight end, and completed rows are delivered. */
  drain(reason: DrainReason): void {
    if (this.#drained !== undefined) return;
    this.#drained = reason;
    for (const listener of this.#onDrain) listener();
  }

  /** Why the statement is drained; undefined if it is not. */
  get drained(): DrainReason | undefined {
    return this.#drained;
  }

  /** Calls `listener` when the statement is drained. Returns a function that removes the listener. */
  onDrain(listener: () => void): () => void {
    this.#onDrain.add(listener);
    return () => this.#onDrain.delete(listener);
  }

  /** Sets the statement's deadline, of which `elapsedMs` have already passed. */
  limitTo(deadlineMs: number, elapsedMs: number): void {
    this.#timer = setTimeout(
      () => this.abort(pastDeadline(deadlineMs)),
      Math.min(TIMER_MAX_MS, Math.max(0, deadlineMs - elapsedMs)),
    );
  }

  /** Aborts the statement with an error. An error that is no `RvbbitError` becomes RVB_INTERNAL. */
  fail(error: unknown): void {
    this.abort(
      error instanceof RvbbitError
        ? error
        : new RvbbitError('RVB_INTERNAL', messageOf(error), { stage: 'execute', cause: error }),
    );
  }

  /** Aborts the statement, because nobody wants its remaining rows. Has no effect once the statement has ended. */
  abandon(): void {
    this.abort(cancelledError());
  }

  abort(reason: RvbbitError): void {
    if (!this.#controller.signal.aborted) this.#controller.abort(reason);
  }

  dispose(): void {
    clearTimeout(this.#timer);
    for (const source of this.#sources) unfollow(source, this.#onAbort);
    if (this.#drainSource !== undefined) unfollow(this.#drainSource, this.#onInterrupt);
  }
}

/** The statements that follow each caller's signal. One listener serves them all, because Node warns past ten. */
const followed = new WeakMap<AbortSignal, { readonly ends: Set<() => void>; end(): void }>();

/** Calls `end` when the signal aborts, until `unfollow`. The signal gets one listener for any number of callbacks. */
export function follow(source: AbortSignal, end: () => void): void {
  let entry = followed.get(source);
  if (entry === undefined) {
    const ends = new Set<() => void>();
    entry = {
      ends,
      end: () => {
        for (const endOne of ends) endOne();
      },
    };
    followed.set(source, entry);
    source.addEventListener('abort', entry.end, { once: true });
  }
  entry.ends.add(end);
}

/** Undoes `follow`. */
export function unfollow(source: AbortSignal, end: () => void): void {
  const entry = followed.get(source);
  entry?.ends.delete(end);
  if (entry === undefined || entry.ends.size > 0) return;
  followed.delete(source);
  source.removeEventListener('abort', entry.end);
}
