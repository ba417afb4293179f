/** Opens and closes statements: their names, their signals, and the engine's list of those that run. */
import type { Parameters, Session } from './duck/session.ts';
import { closedError, closedMeanwhileError, messageOf, RvbbitError } from './errors.ts';
import type { CallDesk } from './execute/calls/call-desk.ts';
import { reasonOf, StatementSignal } from './execute/cancel.ts';
import type { Dispatcher } from './execute/dispatcher.ts';
import type { StatementScope } from './execute/statement-env.ts';
import { nextStatementId } from './execute/statement-id.ts';
import type { Ending } from './journal/account.ts';
import type { Journal } from './journal/journal.ts';
import { Ledger } from './journal/ledger.ts';
import type { NamePrefix, Random } from './journal/session-name.ts';
import type { QueryOptions } from './options.ts';
import type { Summary } from './result.ts';

export interface ScopeParts {
  readonly session: Session;
  readonly dispatcher: Dispatcher;
  readonly desk: CallDesk;
  readonly journal: Journal;
  readonly random: Random;
}

/** Statements that run; `close` stops them all and waits for them. */
export class StatementScopes {
  readonly #parts: ScopeParts;
  readonly #open = new Set<StatementScope>();
  #settled: () => void = () => {};
  #closed = false;

  constructor(parts: ScopeParts) {
    this.#parts = parts;
  }

  begin(
    prefix: NamePrefix,
    parameters: Parameters | undefined,
    { signal, drain, writes }: Pick<QueryOptions, 'signal' | 'drain' | 'writes'>,
  ): StatementScope {
    if (this.#closed) throw closedError();
    const { session, dispatcher, desk, journal, random } = this.#parts;
    const scope: StatementScope = {
      id: nextStatementId(),
      session,
      dispatcher,
      desk,
      parameters,
      output: writes,
      stop: new StatementSignal([signal], drain),
      ledger: new Ledger(journal, prefix, random),
    };
    this.#open.add(scope);
    return scope;
  }

  /** Does a statement's work and closes it, whatever comes of it. */
  async within<T>(scope: StatementScope, work: () => Promise<T>): Promise<T> {
    try {
      const result = await work();
      this.complete(scope);
      return result;
    } catch (thrown) {
      throw this.fail(scope, thrown);
    }
  }

  /** The statement has done all it was to do. Once it is closed, this and `fail` only repeat its summary. */
  complete(scope: StatementScope): Summary {
    const reason = scope.stop.drained;
    return this.#end(
      scope,
      reason === undefined ? { complete: true } : { complete: false, reason },
    );
  }

  /** The statement was ended by `thrown`: the error to throw on, with the account of what was done. */
  fail(scope: StatementScope, thrown: unknown): RvbbitError {
    const error = endingError(scope, thrown);
    error.summary = this.#end(scope, { complete: false, reason: reasonWord(error) });
    return error;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const scope of this.#open) scope.stop.abort(closedMeanwhileError());
    while (this.#open.size > 0) {
      await new Promise<void>((resolve) => {
        this.#settled = resolve;
      });
    }
  }

  #end(scope: StatementScope, ending: Ending): Summary {
    const summary = scope.ledger.close(ending);
    // A process that dies next must not leave a statement that has changed data as one to be resumed.
    this.#parts.journal.writeNow();
    scope.stop.dispose();
    this.#open.delete(scope);
    this.#settled();
    return summary;
  }
}

/** Whatever noticed a stop first says only "cancelled"; why it was stopped is the signal's reason. */
function endingError({ stop: { signal } }: StatementScope, thrown: unknown): RvbbitError {
  if (!(thrown instanceof RvbbitError)) {
    return new RvbbitError('RVB_INTERNAL', messageOf(thrown), { stage: 'execute', cause: thrown });
  }
  return signal.aborted && thrown.code === 'RVB_CANCELLED' ? reasonOf(signal) : thrown;
}

function reasonWord(error: RvbbitError): string {
  switch (error.code) {
    case 'RVB_CANCELLED':
    case 'RVB_CLOSED':
      return 'cancelled';
    case 'RVB_DEADLINE':
      return 'deadline';
    default:
      return 'failed';
  }
}
