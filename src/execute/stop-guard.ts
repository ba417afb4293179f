/** All chunks of a statement go out through it: once the statement is stopped, it brings them to an end in time. */
import type { ChunkTask } from '../../workers/protocol.ts';
import type { RvbbitError } from '../errors.ts';
import type { Dispatcher, DispatchResult } from './dispatcher.ts';
import { Pending } from './pending.ts';

/** From the cancel to ending workers that a row keeps from hearing of it. */
const END_STUCK_AFTER_MS = 200;
/** From the cancel to no longer waiting for chunks that are out; within ABORT_SETTLE_MS. */
const ABANDON_AFTER_MS = 500;

/**
 * Brings chunks that are out to an end once a statement is stopped: first by word to the workers,
 * then by ending those that do not hear it, then by no longer waiting.
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

  /** The work, or `reason` of the stop where the work does not settle in time after it. */
  race<T>(work: Promise<T>): Promise<T> {
    return this.#pending.race(work);
  }

  /** Sends a chunk out, unless the statement is stopped: a row whose worker was ended does not run again. */
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
