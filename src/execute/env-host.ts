/** What the workers may ask of the main thread for one statement: its SQL, its model function, its books. */
import { setMaxListeners } from 'node:events';
import type {
  CallDecision,
  CallRequest,
  EndedAttempt,
  LookUp,
  SqlCellOutcome,
  SqlCellQuery,
} from '../../workers/protocol.ts';
import type { Cascade } from '../cascade/cascade.ts';
import { type Failure, failureOf } from '../errors.ts';
import { TIMER_MAX_MS } from '../limits.ts';
import type { ChatOutcome, ChatRequest } from '../model/chat.ts';
import type { StatementCalls } from './calls/statement-calls.ts';
import { reasonOf } from './cancel.ts';
import type { StatementHost } from './dispatcher.ts';
import { runSqlCell } from './sql-cell.ts';
import type { StatementEnv } from './statement-env.ts';

export class EnvHost implements StatementHost {
  readonly #env: StatementEnv;
  readonly #calls: StatementCalls;

  constructor(env: StatementEnv, calls: StatementCalls) {
    this.#env = env;
    this.#calls = calls;
    // Every call of the model function listens.
    setMaxListeners(0, env.stop.signal);
  }

  get statementId(): number {
    return this.#env.id;
  }

  get cascade(): Cascade {
    return this.#env.cascade;
  }

  runSql(query: SqlCellQuery): Promise<SqlCellOutcome> {
    return runSqlCell(this.#env.session, query, this.#env.stop.signal);
  }

  /** What the function throws is a failed call, and so is an answer that did not end by itself. */
  async chat(request: ChatRequest, timeoutMs: number): Promise<ChatOutcome> {
    const { models, stop } = this.#env;
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
      if (models?.ask === undefined) throw new Error('the engine has no model function');
      const answer: unknown = await models.ask(request, { signal: call.signal });
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

  waitsForLeave(): boolean {
    return this.#calls.waitsForLeave;
  }

  find(lookUp: LookUp): readonly (string | null)[] {
    return this.#calls.find(lookUp);
  }

  /** A call goes out only after the system has been handed its first record. */
  beforeCalls(): Failure | undefined {
    const { journal } = this.#env.desk;
    journal.writeNow();
    if (journal.failure === undefined) return undefined;
    this.#env.stop.fail(journal.failure);
    return failureOf(journal.failure);
  }

  attemptsEnded(ended: readonly EndedAttempt[]): void {
    for (const one of ended) this.#calls.end(one);
  }

  threadLost(threadId: number): void {
    this.#calls.threadLost(threadId);
  }
}
