/** What the workers may ask of the main thread for one statement: its SQL, its model function, its books. */
import { setMaxListeners } from 'node:events';
import type { StatementCalls } from '../calls/statement-calls.ts';
import type { Cascade } from '../cascade/cascade.ts';
import { type Failure, failureOf } from '../errors.ts';
import { TIMER_MAX_MS } from '../limits.ts';
import type { ChatOutcome, ChatRequest } from '../model/chat.ts';
import type {
  CallDecision,
  CallRequest,
  EndedAttempt,
  LookUp,
  SqlCellOutcome,
  SqlCellQuery,
} from '../run/contract.ts';
import { reasonOf } from '../util/statement-signal.ts';
import type { StatementHost } from './dispatcher.ts';
import { runSqlCell } from './sql-cell.ts';
import type { StatementWithCascade } from './statement.ts';

export class LocalHost implements StatementHost {
  readonly #statement: StatementWithCascade;
  readonly #calls: StatementCalls;

  constructor(statement: StatementWithCascade, calls: StatementCalls) {
    this.#statement = statement;
    this.#calls = calls;
    // Every call of the model function listens.
    setMaxListeners(0, statement.stop.signal);
  }

  get statementId(): number {
    return this.#statement.id;
  }

  get cascade(): Cascade {
    return this.#statement.cascade;
  }

  runSql(query: SqlCellQuery): Promise<SqlCellOutcome> {
    return runSqlCell(this.#statement.session, query, this.#statement.stop.signal);
  }

  /** What the function throws is a failed call, and so is an answer that did not end by itself. */
  async chat(request: ChatRequest, timeoutMs: number): Promise<ChatOutcome> {
    const { boundModels, stop } = this.#statement;
    const { functionTimedOut, readFunctionAnswer } = await import('../model/function-answer.ts');
    // The cell gives up by itself; the function must hear of it, or its call would outlive its lane's turn.
    const call = new AbortController();
    const end = (): void => {
      clearTimeout(timer);
      call.abort(stop.signal.reason);
    };
    const timer = setTimeout(end, Math.min(TIMER_MAX_MS, Math.max(0, timeoutMs)));
    stop.signal.addEventListener('abort', end, { once: true });
    try {
      if (stop.signal.aborted) throw reasonOf(stop.signal);
      if (boundModels?.ask === undefined) throw new Error('the engine has no model function');
      const answer: unknown = await boundModels.ask(request, { signal: call.signal });
      return readFunctionAnswer(request.model, answer);
    } catch (thrown) {
      if (call.signal.aborted && !stop.signal.aborted) {
        return functionTimedOut(request.model, timeoutMs);
      }
      return { ok: false, error: failureOf(thrown, 'RVB_MODEL_HTTP'), retryable: false };
    } finally {
      clearTimeout(timer);
      stop.signal.removeEventListener('abort', end);
    }
  }

  decide(threadId: number, request: CallRequest): CallDecision | Promise<CallDecision> {
    return this.#calls.decide(threadId, request);
  }

  waitsForPermit(): boolean {
    return this.#calls.waitsForPermit;
  }

  find(lookUp: LookUp): readonly (string | null)[] {
    return this.#calls.find(lookUp);
  }

  /** A call goes out only after the system has been handed its first record. */
  writeStarts(): Failure | undefined {
    const { journal } = this.#statement.desk;
    journal.writeNow();
    if (journal.failure === undefined) return undefined;
    this.#statement.stop.fail(journal.failure);
    return failureOf(journal.failure);
  }

  attemptsEnded(ended: readonly EndedAttempt[]): void {
    for (const one of ended) this.#calls.end(one);
  }

  threadLost(threadId: number): void {
    this.#calls.threadLost(threadId);
  }
}
