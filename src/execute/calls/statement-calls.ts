/** The model calls of one statement: each is decided on before it goes out and accounted for when it has ended. */
import type { CallDecision, CallRequest, EndedAttempt, LookUp } from '../../../workers/protocol.ts';
import { type Failure, failureOf } from '../../errors.ts';
import type { StoredAnswer } from '../../journal/answers.ts';
import type { Ledger } from '../../journal/ledger.ts';
import { CALL_OUTPUT_TOKENS, STATEMENT_MAX_ANSWERS } from '../../limits.ts';
import type { AttemptReport, Usage } from '../../model/chat.ts';
import type { CallLimits } from '../../model/provider-config.ts';
import type { Spending } from '../../plan/plan.ts';
import type { Permit } from '../gate/gate-request.ts';
import type { AnswerPolicy } from './answer-policy.ts';
import type { Budget, Reservation } from './budget.ts';
import type { CallDesk } from './call-desk.ts';

export interface StatementCallsParts {
  readonly statementId: number;
  readonly signal: AbortSignal;
  readonly ledger: Ledger;
  readonly policy: AnswerPolicy;
  readonly budget: Budget | undefined;
  readonly limits: CallLimits | undefined;
  /** Micro-USD of a call; undefined where the price is not known. */
  costOf(provider: string, model: string, usage: Usage): number | undefined;
  /** The budget is used up: no further row should start. */
  onBudgetEnd(): void;
}

/** A call that is out. */
interface OpenCall {
  readonly threadId: number;
  readonly request: CallRequest;
  readonly permit: Permit;
  readonly reservation: Reservation | undefined;
  readonly estimate: Spending;
}

export class StatementCalls {
  readonly #desk: CallDesk;
  readonly #parts: StatementCallsParts;
  readonly #open = new Map<string, OpenCall>();
  readonly #startedMs = performance.now();
  /** Answers that no later statement is to find, for the equal calls of this one. */
  readonly #own = new Map<string, string>();
  #calls = 0;
  #outputTokens = 0;
  #outputCounts = 0;

  constructor(desk: CallDesk, parts: StatementCallsParts) {
    this.#desk = desk;
    this.#parts = parts;
  }

  /** Decides on a call of the worker `threadId`: at once where nothing has to be waited for. Never rejects. */
  decide(threadId: number, request: CallRequest): CallDecision | Promise<CallDecision> {
    if (this.#parts.signal.aborted) return refused(CANCELLED);
    if (request.fresh === true) return this.#share(threadId, request);
    const text = this.#atHand(request.callKey);
    return text === undefined ? this.#share(threadId, request) : this.#hit(request, text);
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
    const call = this.#open.get(attempt);
    if (call === undefined) return;
    this.#open.delete(attempt);
    this.#settle(call, report);
    this.#note(attempt, call, report);
    const text = report.outcome === 'ok' ? report.text : undefined;
    const { callKey } = call.request;
    if (!this.#parts.policy.reuseOwn) return;
    if (text !== undefined && !this.#parts.policy.keep) this.#keepOwn(callKey, text);
    this.#desk.flights.land(callKey, text);
  }

  /** A worker has died: what it had asked may or may not have been answered, and paid. */
  threadLost(threadId: number): void {
    const message = 'the worker thread died before the answer came';
    this.#endAll({ code: 'RVB_WORKER_LOST', message }, (call) => call.threadId === threadId);
  }

  /** The statement has ended; calls that are still out were cancelled. */
  close(): void {
    this.#endAll(CANCELLED, () => true);
    this.#desk.gate.closeStatement(this.#parts.statementId);
  }

  #atHand(callKey: string): string | undefined {
    const own = this.#own.get(callKey);
    if (own !== undefined) return own;
    const answer = this.#desk.journal.answers.find(callKey, this.#parts.policy.notBefore);
    return answer === undefined || !this.#mayUse(answer) ? undefined : answer.text;
  }

  /** A statement whose runs each ask for themselves does not use what it has asked itself. */
  #mayUse({ at }: StoredAnswer): boolean {
    const { policy, ledger } = this.#parts;
    return policy.reuseOwn || at < ledger.startedUs;
  }

  #hit({ callKey, cell, provider, model }: CallRequest, text: string): CallDecision {
    const hits = { callKeys: [callKey], cell, provider, model };
    this.#parts.ledger.note({ t: 'cache.hits', ...hits });
    return { kind: 'hit', text };
  }

  /** Joins an equal call that is out, or goes ahead. */
  #share(threadId: number, request: CallRequest): CallDecision | Promise<CallDecision> {
    if (!this.#parts.policy.reuseOwn) return this.#admit(threadId, request);
    const { flights } = this.#desk;
    const { callKey } = request;
    if (!flights.lead(callKey)) return this.#follow(threadId, request);
    const decision = this.#admit(threadId, request);
    if (decision instanceof Promise) {
      return decision.then((decided) => {
        if (decided.kind !== 'go') flights.land(callKey, undefined);
        return decided;
      });
    }
    if (decision.kind !== 'go') flights.land(callKey, undefined);
    return decision;
  }

  async #follow(threadId: number, request: CallRequest): Promise<CallDecision> {
    const { signal } = this.#parts;
    const text = await this.#desk.flights.follow(request.callKey, signal);
    if (signal.aborted) return refused(CANCELLED);
    return text === undefined ? this.#share(threadId, request) : this.#hit(request, text);
  }

  /** Through circuit, limiter and budget, in this order: a wait at the limiter must not hold a budget's last call. */
  #admit(threadId: number, request: CallRequest): CallDecision | Promise<CallDecision> {
    const { provider, model, inputTokens } = request;
    const refusal = this.#desk.circuits.refusal(provider, this.#startedMs);
    if (refusal !== undefined) return refused(refusal);
    const { statementId, signal, limits, budget } = this.#parts;
    const outputTokens = request.outputTokens ?? this.#expectedOutput();
    try {
      const permit = this.#desk.gate.acquire({
        provider,
        model,
        statementId,
        inputTokens,
        outputTokens,
        ...(limits === undefined ? {} : { statementLimits: limits }),
        signal,
      });
      const usage: Usage = { inputTokens, outputTokens };
      if (permit instanceof Promise || budget !== undefined) {
        return this.#admitLater(threadId, request, permit, usage);
      }
      return this.#go(threadId, request, permit, undefined, usage);
    } catch (thrown) {
      return refused(failureOf(thrown));
    }
  }

  async #admitLater(
    threadId: number,
    request: CallRequest,
    waiting: Permit | Promise<Permit>,
    usage: Usage,
  ): Promise<CallDecision> {
    const { signal, budget } = this.#parts;
    let permit: Permit | undefined;
    try {
      permit = await waiting;
      const reservation = await budget?.reserve(this.#spendingOf(request, usage));
      if (budget !== undefined && reservation === undefined) {
        permit.cancel();
        this.#parts.onBudgetEnd();
        return refused(BUDGET_USED_UP);
      }
      if (!signal.aborted) return this.#go(threadId, request, permit, reservation, usage);
      permit.cancel();
      reservation?.settle(NOTHING);
      return refused(CANCELLED);
    } catch (thrown) {
      permit?.cancel();
      return refused(failureOf(thrown));
    }
  }

  #go(
    threadId: number,
    request: CallRequest,
    permit: Permit,
    reservation: Reservation | undefined,
    usage: Usage,
  ): CallDecision {
    const { ledger } = this.#parts;
    this.#calls += 1;
    const attempt = `${ledger.session}.${this.#calls}`;
    const estimate = this.#spendingOf(request, usage);
    this.#open.set(attempt, { threadId, request, permit, reservation, estimate });
    const { callKey, cell, n, provider, model, prompt } = request;
    const again = this.#desk.journal.takeLostCalls(callKey);
    const asked = {
      callKey,
      cell,
      n,
      provider,
      model,
      ...(again === 0 ? {} : { again }),
      ...(prompt === undefined ? {} : { prompt }),
    };
    ledger.note({ t: 'attempt.start', attempt, ...asked });
    return { kind: 'go', attempt };
  }

  #settle({ request, permit, reservation, estimate }: OpenCall, report: AttemptReport): void {
    const { outcome, status, usage, error, retryAfterMs, rateLimits } = report;
    if (outcome === 'not_sent') {
      permit.cancel();
      reservation?.settle(NOTHING);
      return;
    }
    permit.settle({
      ...(status === undefined ? {} : { status }),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...(rateLimits === undefined ? {} : { rateLimits }),
      ...(usage === undefined ? {} : { usage }),
    });
    this.#desk.circuits.observe(request.provider, status, error);
    if (usage !== undefined) {
      this.#outputTokens += usage.outputTokens;
      this.#outputCounts += 1;
      reservation?.settle(this.#spendingOf(request, usage));
      return;
    }
    // An error status is not billed; a call that broke off, or was not counted, may be.
    const isFree = status !== undefined && status >= 400;
    reservation?.settle(isFree ? { ...NOTHING, calls: 1 } : estimate);
  }

  #note(attempt: string, { request }: OpenCall, report: AttemptReport): void {
    const { ledger, policy, costOf } = this.#parts;
    const { callKey, provider, model } = request;
    const { outcome, status, usage, durationMs, error, text, raw } = report;
    const cost = usage === undefined ? undefined : costOf(provider, model, usage);
    ledger.note({
      t: 'attempt.end',
      attempt,
      outcome,
      ...(status === undefined ? {} : { status }),
      tokensIn: usage?.inputTokens ?? 0,
      tokensOut: usage?.outputTokens ?? 0,
      costMicroUsd: cost ?? null,
      costStatus: cost === undefined ? 'uncosted' : 'settled',
      durationMs,
      ...(outcome === 'ok' && text !== undefined && policy.keep ? { callKey, value: text } : {}),
      ...(error === undefined ? {} : { error }),
      ...(raw === undefined ? {} : { raw }),
    });
  }

  #endAll(error: Failure, which: (call: OpenCall) => boolean): void {
    for (const [attempt, call] of this.#open) {
      if (!which(call)) continue;
      this.end({ attempt, report: { durationMs: 0, outcome: 'failed', error } });
    }
  }

  #keepOwn(callKey: string, text: string): void {
    this.#own.set(callKey, text);
    if (this.#own.size <= STATEMENT_MAX_ANSWERS) return;
    const [oldest] = this.#own.keys();
    this.#own.delete(oldest!);
  }

  /** What the statement's calls have written so far, on average. */
  #expectedOutput(): number {
    if (this.#outputCounts === 0) return CALL_OUTPUT_TOKENS;
    return Math.ceil(this.#outputTokens / this.#outputCounts);
  }

  #spendingOf({ provider, model }: CallRequest, usage: Usage): Spending {
    return {
      calls: 1,
      tokens: usage.inputTokens + usage.outputTokens,
      costMicroUsd: this.#parts.costOf(provider, model, usage) ?? 0,
    };
  }
}

const NOTHING: Spending = { calls: 0, tokens: 0, costMicroUsd: 0 };
const CANCELLED: Failure = { code: 'RVB_CANCELLED', message: 'the statement was cancelled' };

/** What a call is told that the budget has no room for. */
export const BUDGET_USED_UP: Failure = {
  code: 'RVB_BUDGET',
  message: "the statement's budget is used up",
};

function refused(error: Failure): CallDecision {
  return { kind: 'refused', error };
}
