/** How a statement is stopped: its one signal, its deadline, and the word that it should come to its end. */
import { cancelledError, messageOf, RvbbitError } from '../errors.ts';
import { TIMER_MAX_MS } from '../limits.ts';

/** The error of a statement that ran past its `deadline`. */
function pastDeadline(deadlineMs: number): RvbbitError {
  return new RvbbitError(
    'RVB_DEADLINE',
    `the statement ran past its deadline of ${deadlineMs} ms; raise WITH (deadline = …) or read fewer rows`,
    { stage: 'execute' },
  );
}

/** The reason that a signal of ours was aborted with. */
export function reasonOf(signal: AbortSignal): RvbbitError {
  return signal.reason instanceof RvbbitError ? signal.reason : cancelledError();
}

/** Why a statement ends early and in order: its budget is used up, or its caller wants no more rows. */
export type DrainReason = 'budget' | 'interrupted';

/**
 * One signal for a statement, and the word that it should come to its end: aborts with RVB_CANCELLED when the caller's or the engine's signal
 * does, with RVB_DEADLINE when the time is up. `dispose` takes the listeners off again.
 */
export class StatementSignal {
  readonly #controller = new AbortController();
  readonly #sources: readonly AbortSignal[];
  readonly #onAbort = () => this.abort(cancelledError());
  readonly #drainSource: AbortSignal | undefined;
  /** What has no rows in flight ends at once. */
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

  /** No further run starts; those in flight come to their end, and what is done is delivered. */
  drain(reason: DrainReason): void {
    if (this.#drained !== undefined) return;
    this.#drained = reason;
    for (const listener of this.#onDrain) listener();
  }

  /** Why the statement ends early, if it does. */
  get drained(): DrainReason | undefined {
    return this.#drained;
  }

  /** Calls `listener` when the statement is drained; returns the way to stop it. */
  onDrain(listener: () => void): () => void {
    this.#onDrain.add(listener);
    return () => this.#onDrain.delete(listener);
  }

  /** Sets the statement's deadline, of which `elapsedMs` have gone by. */
  limitTo(deadlineMs: number, elapsedMs: number): void {
    this.#timer = setTimeout(
      () => this.abort(pastDeadline(deadlineMs)),
      Math.min(TIMER_MAX_MS, Math.max(0, deadlineMs - elapsedMs)),
    );
  }

  /** Ends the statement for a reason of our own. */
  fail(error: unknown): void {
    this.abort(
      error instanceof RvbbitError
        ? error
        : new RvbbitError('RVB_INTERNAL', messageOf(error), { stage: 'execute', cause: error }),
    );
  }

  /** Nobody wants the rest any more. Of no effect once the statement has ended. */
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

/** Statements that follow a caller's signal: one listener serves them all, since Node warns past ten. */
const followed = new WeakMap<AbortSignal, { readonly ends: Set<() => void>; end(): void }>();

/** Calls `end` when the signal aborts, until it is unfollowed; however many follow, the signal has one listener. */
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
