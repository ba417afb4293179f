/** Dispatches all chunks of a statement. Once the statement is stopped, it ends the in-flight chunks in time. */
import type { ChunkTask } from '../../workers/protocol.ts';
import type { RvbbitError } from '../errors.ts';
import type { Dispatcher, DispatchResult } from './dispatcher.ts';
import { Pending } from './pending.ts';

/** This long after the cancel, the guard ends workers that a row keeps from hearing of the cancel. */
const END_STUCK_AFTER_MS = 200;
/** This long after the cancel, the guard stops waiting for in-flight chunks. It is less than ABORT_SETTLE_MS. */
const ABANDON_AFTER_MS = 500;

/**
 * Ends the in-flight chunks of a stopped statement: first it tells the workers, then it ends the workers that do not
 * hear it, and then it no longer waits.
 */
export class StopGuard {
  readonly #dispatcher: Dispatcher;
  readonly #statementId: number;
  readonly #pending = new Pending();
  #timers: NodeJS.Timeout[] = [];
  #reason: RvbbitError | undefined;

  constructor(dispatcher: Dispatcher, statementId: number) {
    this.#dispatcher = dispatcher;
    this.#statementId = statementId;
  }

  /** Settles with the work. If the work does not settle in time after a stop, rejects with the stop's `reason`. */
  race<T>(work: Promise<T>): Promise<T> {
    return this.#pending.race(work);
  }

  /** Dispatches a chunk, or throws if the statement is stopped: a row whose worker was ended does not run again. */
  async dispatch(task: ChunkTask, options: { readonly alone: boolean }): Promise<DispatchResult> {
    if (this.#reason !== undefined) throw this.#reason;
    return this.#dispatcher.dispatch(task, options);
  }

  stop(reason: RvbbitError): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#dispatcher.cancelStatement(this.#statementId);
    this.#timers = [
      setTimeout(() => this.#endStuckWorkers(), END_STUCK_AFTER_MS),
      setTimeout(() => {
        this.#endStuckWorkers();
        this.#pending.rejectAll(reason);
      }, ABANDON_AFTER_MS),
    ];
  }

  dispose(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #endStuckWorkers(): void {
    this.#dispatcher.endStuckWorkers(this.#statementId);
  }
}
