/** Opens and closes statements, with their names and signals, and keeps the engine's list of running statements. */

import type { CallDesk } from '../calls/call-desk.ts';
import type { Session } from '../duck/session.ts';
import { CANCELLED, closedError, closedMeanwhileError, messageOf, RvbbitError } from '../errors.ts';
import type { Dispatcher } from '../execute/dispatcher.ts';
import type { Statement, StatementCall } from '../execute/statement.ts';
import { nextStatementId } from '../execute/statement-id.ts';
import type { Ending } from '../journal/account.ts';
import type { Journal } from '../journal/journal.ts';
import { Ledger } from '../journal/ledger.ts';
import type { NamePrefix, Random } from '../journal/session-name.ts';
import type { Summary } from '../result.ts';
import { reasonOf, StatementSignal } from '../util/statement-signal.ts';

/** The time between two calls of `onProgress`. */
const PROGRESS_MS = 1_000;

/** The parts of an engine that all its statements share. */
export interface EngineParts {
  readonly session: Session;
  readonly dispatcher: Dispatcher;
  readonly desk: CallDesk;
  readonly journal: Journal;
  readonly random: Random;
}

/** The running statements. `close` stops them all and waits for them. */
export class OpenStatements {
  readonly #parts: EngineParts;
  readonly #owner: 'engine' | 'session';
  /** With the timer of `onProgress`. */
  readonly #open = new Map<Statement, NodeJS.Timeout | undefined>();
  #settled: () => void = () => {};
  #closed = false;

  /** `owner` is what the caller closes, for the text of errors. */
  constructor(parts: EngineParts, owner: 'engine' | 'session') {
    this.#parts = parts;
    this.#owner = owner;
  }

  /** Opens a statement of a call. Throws RVB_CLOSED once the list is closed. */
  begin(
    prefix: NamePrefix,
    call: StatementCall,
    {
      signal,
      drain,
      onProgress,
      isSilent,
      session: name,
    }: {
      readonly signal?: AbortSignal;
      readonly drain?: AbortSignal;
      readonly onProgress?: (soFar: Summary) => void;
      /** True for a statement that is only described. */
      readonly isSilent?: boolean;
      /** The name of the statement's session, if it has one already. */
      readonly session?: string | undefined;
    },
  ): Statement {
    if (this.#closed) throw closedError(this.#owner);
    const { session, dispatcher, desk, journal, random } = this.#parts;
    const statement: Statement = {
      ...call,
      id: nextStatementId(),
      session,
      dispatcher,
      desk,
      stop: new StatementSignal([signal], drain),
      ledger: new Ledger(journal, prefix, random, { isSilent, session: name }),
    };
    this.#open.set(statement, onProgress && everySecond(statement, onProgress));
    return statement;
  }

  /** Does a statement's work, and closes the statement whether the work succeeds or fails. */
  async within<T>(statement: Statement, work: () => Promise<T>): Promise<T> {
    try {
      const result = await work();
      this.complete(statement);
      return result;
    } catch (thrown) {
      throw this.fail(statement, thrown);
    }
  }

  /** Closes a statement that has done all its work. If it is closed already, this and `fail` only return its summary again. */
  complete(statement: Statement): Summary {
    const reason = statement.stop.drained;
    return this.#end(
      statement,
      reason === undefined ? { complete: true } : { complete: false, reason },
    );
  }

  /** Closes a statement that was ended by `thrown`. Returns the error to throw on, with the summary of what was done. */
  fail(statement: Statement, thrown: unknown): RvbbitError {
    const error = endingError(statement, thrown);
    error.summary = this.#end(statement, {
      complete: false,
      reason: reasonWord(error),
      code: error.code,
    });
    return error;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const statement of this.#open.keys())
      statement.stop.abort(closedMeanwhileError(this.#owner));
    while (this.#open.size > 0) {
      await new Promise<void>((resolve) => {
        this.#settled = resolve;
      });
    }
  }

  #end(statement: Statement, ending: Ending): Summary {
    const summary = statement.ledger.close(ending);
    // If the process dies next, a statement that has changed data must not seem to need a resume.
    this.#parts.journal.writeNow();
    statement.stop.dispose();
    clearInterval(this.#open.get(statement));
    this.#open.delete(statement);
    this.#settled();
    return summary;
  }
}

function everySecond(
  { ledger, stop }: Statement,
  onProgress: (soFar: Summary) => void,
): NodeJS.Timeout {
  return setInterval(() => {
    try {
      onProgress(ledger.figures);
    } catch (thrown) {
      stop.fail(thrown);
    }
  }, PROGRESS_MS).unref();
}

/** The code that first notices a stop throws `CANCELLED` and says no more. The signal's reason says why the stop happened. */
function endingError({ stop: { signal } }: Statement, thrown: unknown): RvbbitError {
  if (!(thrown instanceof RvbbitError)) {
    return new RvbbitError('RVB_INTERNAL', messageOf(thrown), { stage: 'execute', cause: thrown });
  }
  const isPlain = thrown.code === CANCELLED.code && thrown.message.endsWith(CANCELLED.message);
  return signal.aborted && isPlain ? reasonOf(signal) : thrown;
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
