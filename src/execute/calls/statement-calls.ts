/** The model calls of one statement: each is decided on before it goes out. */
import type { CallDecision, CallRequest, EndedAttempt, LookUp } from '../../../workers/protocol.ts';
import { type Failure, failureOf, type RvbbitError } from '../../errors.ts';
import { STATEMENT_MAX_ANSWERS } from '../../limits.ts';
import type { CallLimits } from '../../model/call-limits.ts';
import type { Usage } from '../../model/chat.ts';
import type { Permit } from '../gate/gate-request.ts';
import type { AnswerPolicy } from './answer-policy.ts';
import { type Budget, NOTHING, type Reservation } from './budget.ts';
import { CallAccount, type CallAccountParts } from './call-account.ts';
import type { CallDesk } from './call-desk.ts';
import { CallWaits } from './call-waits.ts';

export interface StatementCallsParts extends CallAccountParts {
  readonly statementId: number;
  readonly signal: AbortSignal;
  readonly policy: AnswerPolicy;
  readonly budget: Budget | undefined;
  readonly limits: CallLimits | undefined;
  readonly onlyAtHand: boolean;
  /** The budget is used up: no further row should start. */
  onBudgetEnd(): void;
  /** The disk has failed: the statement cannot go on. */
  onJournalFailure(failure: RvbbitError): void;
}

export class StatementCalls {
  readonly #desk: CallDesk;
  readonly #parts: StatementCallsParts;
  readonly #account: CallAccount;
  readonly #startedMs = performance.now();
  /** Answers that no later statement is to find, for the equal calls of this one. */
  readonly #own = new Map<string, string>();
  readonly #waits = new CallWaits();
  readonly #onAbort = () => this.stop();
  #isBudgetUsedUp = false;

  constructor(desk: CallDesk, parts: StatementCallsParts) {
    this.#desk = desk;
    this.#parts = parts;
    this.#account = new CallAccount(parts);
    parts.signal.addEventListener('abort', this.#onAbort, { once: true });
    if (parts.signal.aborted) this.stop();
  }

  /** Decides on a call of the worker `threadId`: at once where nothing has to be waited for. Never rejects. */
  decide(threadId: number, request: CallRequest): CallDecision | Promise<CallDecision> {
    const { failure } = this.#desk.journal;
    if (failure !== undefined) {
      // What would be bought now could not be kept.
      this.#parts.onJournalFailure(failure);
      return refused(failureOf(failure));
    }
    if (request.fresh === true) return this.#leave(threadId, request);
    const text = this.#atHand(request.callKey);
    return text === undefined ? this.#leave(threadId, request) : this.#hit(request, text);
  }

  #leave(threadId: number, request: CallRequest): CallDecision | Promise<CallDecision> {
    if (this.#parts.onlyAtHand) return refused(BUDGET_USED_UP);
    return this.#waits.signalOf(threadId).aborted ? this.#ended() : this.#share(threadId, request);
  }

  /** The answers at hand for calls that are about to be made; null for those that have none. */
  find({ callKeys, cell, provider, model }: LookUp): readonly (string | null)[] {
    const texts = callKeys.map((callKey) => this.#atHand(callKey) ?? null);
    const found = callKeys.filter((_, index) => texts[index] !== null);
    if (found.length > 0) {
      this.#parts.ledger.note({ t: 'cache.hits', callKeys: found, cell, provider, model });
    }
    return texts;
  }

  /** Takes the account of a call that has ended. */
  end({ attempt, report }: EndedAttempt): void {
    const request = this.#account.end(attempt, report);
    if (request === undefined) return;
    const { callKey, provider } = request;
    if (report.outcome !== 'not_sent') {
      this.#desk.circuits.observe(provider, report.status, report.error);
    }
    const text = report.outcome === 'ok' ? report.text : undefined;
    if (!this.#parts.policy.reuseOwn) return;
    if (text !== undefined && !this.#parts.policy.keep) this.#keepOwn(callKey, text);
    this.#desk.flights.land(callKey, text);
  }

  /** A worker has died: what it had asked may or may not have been answered, and paid. */
  threadLost(threadId: number): void {
    this.#waits.end(threadId);
    const message = 'the worker thread died before the answer came';
    this.#endAll(this.#account.openOf(threadId), { code: 'RVB_WORKER_LOST', message });
  }

  /** No further call goes out: the statement has failed, or was cancelled. */
  stop(): void {
    this.#waits.endAll();
  }

  /** The statement has ended; calls that are still out were cancelled. */
  close(): void {
    this.stop();
    this.#parts.signal.removeEventListener('abort', this.#onAbort);
    this.#endAll(this.#account.openOf(), CANCELLED);
    this.#desk.gate.closeStatement(this.#parts.statementId);
  }

  #atHand(callKey: string): string | undefined {
    const own = this.#own.get(callKey);
    if (own !== undefined) return own;
    return this.#desk.journal.answers.find(callKey, this.#parts.policy.notBefore)?.text;
  }

  #hit({ callKey, cell, provider, model }: CallRequest, text: string): CallDecision {
    const hits = { callKeys: [callKey], cell, provider, model };
    this.#parts.ledger.note({ t: 'cache.hits', ...hits });
    return { kind: 'hit', text };
  }

  /** Joins an equal call that is out, or asks for leave to go out itself. */
  #share(threadId: number, request: CallRequest): CallDecision | Promise<CallDecision> {
    if (this.#parts.policy.reuseOwn && this.#desk.flights.isOut(request.callKey)) {
      return this.#follow(threadId, request);
    }
    return this.#admit(threadId, request);
  }

  async #follow(threadId: number, request: CallRequest): Promise<CallDecision> {
    const wait = this.#waits.signalOf(threadId);
    const text = await this.#desk.flights.follow(request.callKey, wait);
    if (text !== undefined) return this.#hit(request, text);
    return wait.aborted ? this.#ended() : this.#share(threadId, request);
  }

  /** Through circuit, limiter and budget, in this order: a wait at the limiter must not hold a budget's last call. */
  #admit(threadId: number, request: CallRequest): CallDecision | Promise<CallDecision> {
    const { provider, model, inputTokens } = request;
    const refusal = this.#desk.circuits.refusal(provider, this.#startedMs);
    if (refusal !== undefined) return refused(refusal);
    const { statementId, limits, budget } = this.#parts;
    const usage: Usage = {
      inputTokens,
      outputTokens: request.outputTokens ?? this.#account.expectedOutput,
    };
    const permit = this.#desk.gate.acquire({
      provider,
      model,
      statementId,
      ...usage,
      ...(request.outputTokens === undefined ? { isOutputGuessed: true } : {}),
      ...(limits === undefined ? {} : { statementLimits: limits }),
      signal: this.#waits.signalOf(threadId),
    });
    if (permit instanceof Promise || budget !== undefined) {
      return this.#admitLater(threadId, request, permit, usage);
    }
    return this.#go(threadId, request, permit, undefined, usage);
  }

  /** Waits for the limiter, or for the answer of an equal call that another statement got out before it. */
  async #admitLater(
    threadId: number,
    request: CallRequest,
    waiting: Permit | Promise<Permit>,
    usage: Usage,
  ): Promise<CallDecision> {
    const { budget, policy } = this.#parts;
    const wait = this.#waits.signalOf(threadId);
    let permit: Permit | undefined;
    try {
      const first = await this.#permitOrAnswer(request.callKey, waiting);
      if (typeof first === 'string') return this.#hit(request, first);
      permit = first;
      const reservation = await budget?.reserve(this.#account.spendingOf(request, usage), wait);
      if (wait.aborted) {
        permit.cancel();
        reservation?.settle(NOTHING);
        return this.#ended();
      }
      if (budget !== undefined && reservation === undefined) {
        permit.cancel();
        this.#endBudget();
        return this.#ended();
      }
      if (policy.reuseOwn && this.#desk.flights.isOut(request.callKey)) {
        permit.cancel();
        reservation?.settle(NOTHING);
        return this.#follow(threadId, request);
      }
      return this.#go(threadId, request, permit, reservation, usage);
    } catch (thrown) {
      permit?.cancel();
      return wait.aborted ? this.#ended() : refused(failureOf(thrown));
    }
  }

  /** Whichever comes first; a permit that comes after the answer is given back. */
  #permitOrAnswer(callKey: string, waiting: Permit | Promise<Permit>): Promise<Permit | string> {
    if (!(waiting instanceof Promise)) return Promise.resolve(waiting);
    if (!this.#parts.policy.reuseOwn) return waiting;
    return new Promise((resolve, reject) => {
      let isAnswered = false;
      const off = this.#desk.flights.listen(callKey, (text) => {
        if (text === undefined) return;
        isAnswered = true;
        resolve(text);
      });
      waiting.then(
        (permit) => {
          off();
          if (isAnswered) permit.cancel();
          else resolve(permit);
        },
        (error: unknown) => {
          off();
          reject(error);
        },
      );
    });
  }

  /** No further call goes out; those that wait hear of it at once. */
  #endBudget(): void {
    if (this.#isBudgetUsedUp) return;
    this.#isBudgetUsedUp = true;
    this.#parts.onBudgetEnd();
    this.#waits.endAll();
  }

  #ended(): CallDecision {
    return refused(this.#isBudgetUsedUp ? BUDGET_USED_UP : CANCELLED);
  }

  #go(
    threadId: number,
    request: CallRequest,
    permit: Permit,
    reservation: Reservation | undefined,
    usage: Usage,
  ): CallDecision {
    const { callKey } = request;
    if (this.#parts.policy.reuseOwn) this.#desk.flights.lead(callKey);
    const again = this.#desk.journal.takeLostCalls(callKey);
    const estimate = this.#account.spendingOf(request, usage);
    const call = { threadId, request, permit, reservation, estimate };
    return { kind: 'go', attempt: this.#account.open(call, again) };
  }

  #endAll(attempts: readonly string[], error: Failure): void {
    for (const attempt of attempts) {
      this.end({ attempt, report: { durationMs: 0, outcome: 'failed', error } });
    }
  }

  #keepOwn(callKey: string, text: string): void {
    this.#own.set(callKey, text);
    if (this.#own.size <= STATEMENT_MAX_ANSWERS) return;
    const [oldest] = this.#own.keys();
    this.#own.delete(oldest!);
  }
}

const CANCELLED: Failure = { code: 'RVB_CANCELLED', message: 'the statement was cancelled' };

/** What a call is told that the budget has no room for. */
export const BUDGET_USED_UP: Failure = {
  code: 'RVB_BUDGET',
  message: "the statement's budget is used up",
};

function refused(error: Failure): CallDecision {
  return { kind: 'refused', error };
}
