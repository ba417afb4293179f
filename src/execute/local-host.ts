/** Answers the workers' requests for one statement on the main thread: SQL, the model function, and decisions on calls. */
import { setMaxListeners } from 'node:events';
import type { Budget } from '../calls/budget.ts';
import type { StatementCalls } from '../calls/statement-calls.ts';
import type { Cascade } from '../cascade/cascade.ts';
import { type Failure, failureOf } from '../errors.ts';
import { TIMER_MAX_MS } from '../limits.ts';
import type { ChatOutcome, ChatRequest } from '../model/chat.ts';
import type {
  CallDecision,
  CallRequest,
  EndedAttempt,
  ForEachRow,
  LookUp,
  SqlCellOutcome,
  SqlCellQuery,
} from '../run/contract.ts';
import { reasonOf } from '../util/statement-signal.ts';
import type { StatementHost } from './dispatcher.ts';
import { runSqlCell } from './sql-cell.ts';
import type { StatementWithCascade } from './statement.ts';

/** Runs the rows of a `for_each_row` cell's query. They spend from the statement's budget, if it has one. */
export type RunEachRow = (
  query: SqlCellQuery,
  forEachRow: ForEachRow,
  budget: Budget | undefined,
) => Promise<SqlCellOutcome>;

export class LocalHost implements StatementHost {
  readonly #statement: StatementWithCascade;
  readonly #calls: StatementCalls;
  readonly #runEachRow: RunEachRow | undefined;
  /** In-flight `for_each_row` queries. A waiting run may lose its worker, and then asks for the same query again. */
  readonly #eachRow = new Map<string, Promise<SqlCellOutcome>>();

  constructor(statement: StatementWithCascade, calls: StatementCalls, runEachRow?: RunEachRow) {
    this.#statement = statement;
    this.#calls = calls;
    this.#runEachRow = runEachRow;
    // Every call of the model function listens to this signal; Node would warn about many listeners.
    setMaxListeners(0, statement.stop.signal);
  }

  get statementId(): number {
    return this.#statement.id;
  }

  get cascade(): Cascade {
    return this.#statement.cascade;
  }

  async runSql(query: SqlCellQuery): Promise<SqlCellOutcome> {
    const { forEachRow } = query;
    if (forEachRow !== undefined) return this.#eachRowOf(query, forEachRow);
    return runSqlCell(this.#statement.session, query, this.#statement.stop.signal);
  }

  /** Resolves when all in-flight `for_each_row` queries have settled, also those for which no run waits any more. */
  async rowsSettled(): Promise<void> {
    await Promise.allSettled(this.#eachRow.values());
  }

  #eachRowOf(query: SqlCellQuery, forEachRow: ForEachRow): Promise<SqlCellOutcome> {
    const key = JSON.stringify([forEachRow, query.text, query.values]);
    const known = this.#eachRow.get(key);
    if (known !== undefined) return known;
    if (this.#runEachRow === undefined) throw new Error('this statement runs no rows of cells');
    const outcome = this.#runEachRow(query, forEachRow, this.#calls.budget).finally(() =>
      this.#eachRow.delete(key),
    );
    this.#eachRow.set(key, outcome);
    return outcome;
  }

  /** Calls the model function. If the function throws, or its answer did not come to a regular end, the call has failed. */
  async chat(request: ChatRequest, timeoutMs: number): Promise<ChatOutcome> {
    const { boundModels, stop } = this.#statement;
    const { functionTimedOut, readFunctionAnswer } = await import('../model/function-answer.ts');
    // At the timeout, the cell stops waiting by itself. The function must be told, or its call would outlive its
    // lane's turn.
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
    return this.#calls.waitsForPermit || this.#eachRow.size > 0;
  }

  find(lookUp: LookUp): readonly (string | null)[] {
    return this.#calls.find(lookUp);
  }

  /** A call goes out only after its start record has been handed to the operating system. */
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
