/** Decides on each model call of a statement before it goes out. */

import { setTimeout as pause } from 'node:timers/promises';
import { CANCELLED, type Failure, failureOf, type RvbbitError } from '../errors.ts';
import type { StoredAnswer } from '../journal/answers.ts';
import type { AskedModel } from '../journal/lessons.ts';
import type { CallLimits } from '../model/call-limits.ts';
import type { Usage } from '../model/chat.ts';
import type { RefusedParameter } from '../model/parameters.ts';
import type { BatchRows } from '../plan/plan.ts';
import type { CallDecision, CallRequest, EndedAttempt, LookUp } from '../run/contract.ts';
import { dropOldest } from '../util/drop-oldest.ts';
import type { AnswerPolicy } from './answer-policy.ts';
import { type Budget, type Estimate, NOTHING, type Reservation } from './budget.ts';
import { CallAccount, type CallAccountParts, type OpenCall } from './call-account.ts';
import { CallBatches, type WaitingQuestion } from './call-batches.ts';
import type { CallDesk } from './call-desk.ts';
import { CallWaits } from './call-waits.ts';
import type { Permit } from './gate/gate-request.ts';
import { GateWaits } from './gate-waits.ts';
import { OpenShared } from './open-shared.ts';
import { permitOrAnswer } from './permit-or-answer.ts';
import type { OrderedCall, ProviderBatches } from './provider-batches.ts';
import { type Purse, type Room, reserveInAll } from './purse.ts';
import {
  BUDGET_USED_UP,
  EQUAL_CALL_TOO_LONG,
  refused,
  uncosted,
  unusableAnswers,
} from './refusals.ts';

/** The maximum of answers that a statement with `cache = false` keeps for its own equal calls. */
const STATEMENT_MAX_ANSWERS = 10_000;
/** How often a call looks whether the equal call of another process has ended. */
const ELSEWHERE_POLL_MS = 20;
/** After this many consecutive unusable answers a statement makes no more calls. */
const UNUSABLE_ANSWERS = 20;

/** The answer comes with a batch. Runs that end with this code have not failed. */
const LATER: CallDecision = { kind: 'refused', error: BUDGET_USED_UP, isLater: true };
/** A batch has limits of its own: a call in it holds no room in the limiter. */
const NO_PERMIT: Permit = { waitedMs: 0, settle() {}, cancel() {} };

/** How questions share calls. */
export interface SharedCalls {
  /** The most questions of a call. */
  readonly rows: BatchRows;
  /** The most calls in flight. */
  readonly parallel: number;
  /** Returns how many runs have begun and not settled. */
  openRuns(): number;
}

/** The parameters of a statement's calls. */
export interface StatementCallsParts extends Omit<CallAccountParts, 'keeps'> {
  readonly statementId: number;
  readonly policy: AnswerPolicy;
  readonly budget: Budget | undefined;
  /** What the caller may spend in all its statements. A call needs room in it too. */
  readonly purse: Purse | undefined;
  readonly limits: CallLimits | undefined;
  /** BATCH: several questions may share a call. */
  readonly batch?: SharedCalls | undefined;
  /** service = 'batch': the calls are made by the provider's Batch API. */
  readonly orders?: ProviderBatches | undefined;
  /** True: make no calls, use only stored answers. */
  readonly onlyStored: boolean;
  /** Returns the base URL of a provider; '' if it has no server. */
  baseUrlOf(provider: string): string;
  /** Called when the budget is used up: no further row should start. */
  onBudgetEnd(): void;
  /** Called when no further call goes to a provider: it rejects its API key, or too many answers were unusable. */
  onProviderEnd(failure: Failure): void;
  /** Called when the journal's disk has failed: the statement cannot go on. */
  onJournalFailure(failure: RvbbitError): void;
}

/**
 * `decide` checks in this order: a stored answer, an equal call in flight, the circuit of the provider, the limiter and
 * the budget. Then the call goes out. After each wait it checks again everything that may have changed meanwhile.
 */
export class StatementCalls {
  readonly #desk: CallDesk;
  readonly #parts: StatementCallsParts;
  readonly #account: CallAccount;
  readonly #startedMs = performance.now();
  /** Answers for equal calls of this statement, by call key, which later statements must not find. */
  readonly #own = new Map<string, string>();
  readonly #waits = new CallWaits();
  readonly #gateWaits: GateWaits;
  readonly #batches: CallBatches | undefined;
  #isBudgetUsedUp = false;
  /** The number of calls that wait for room in the budget. */
  #waitingForRoom = 0;

  constructor(desk: CallDesk, parts: StatementCallsParts) {
    this.#desk = desk;
    this.#parts = parts;
    const { ledger, cascade, costOf } = parts;
    const keeps = (callKey: string): boolean => this.#keeps(callKey);
    this.#account = new CallAccount({ ledger, cascade, costOf, keeps });
    if (parts.batch !== undefined) {
      const { openRuns } = parts.batch;
      this.#batches = new CallBatches({
        ...parts.batch,
        busyRuns: (waiting) => openRuns() - waiting - this.#account.inFlight,
        send: (questions, free) => void this.#askTogether(questions, free),
        ended: () => this.#ended(),
      });
    }
    this.#gateWaits = new GateWaits({
      note: (entry) => ledger.tell(entry),
      heldMs: (provider, model) => desk.gate.heldMs(provider, model),
    });
  }

  /** Decides on a call of the worker `threadId`. Returns a promise, which never rejects, only if the call must wait. */
  decide(threadId: number, request: CallRequest): CallDecision | Promise<CallDecision> {
    const { failure } = this.#desk.journal;
    if (failure !== undefined) {
      // The journal could not keep the answer that this call would pay for.
      this.#parts.onJournalFailure(failure);
      return refused(failureOf(failure));
    }
    if (request.fresh === true) return this.#permit(threadId, request);
    const answer = this.#storedAnswer(request.callKey);
    return answer === undefined ? this.#permit(threadId, request) : this.#hit(request, answer.text);
  }

  /** The budget that all calls of the statement share; undefined if the statement has none. */
  get budget(): Budget | undefined {
    return this.#parts.budget;
  }

  /** True if a call found no room in the budget. */
  get isBudgetUsedUp(): boolean {
    return this.#isBudgetUsedUp;
  }

  /** True if calls wait for the limiter or the budget, or questions for a call. */
  get waitsForPermit(): boolean {
    return this.#gateWaits.count + this.#waitingForRoom > 0 || this.#batches?.waits === true;
  }

  #permit(threadId: number, request: CallRequest): CallDecision | Promise<CallDecision> {
    // RVB_BUDGET, because runs that end with it count as not run and not as failed.
    if (this.#parts.onlyStored) return refused(BUDGET_USED_UP);
    return this.#waits.signalOf(threadId).aborted ? this.#ended() : this.#share(threadId, request);
  }

  /** Returns the stored answer of each call key, or null. The answers count as cache hits only after `answersUsed`. */
  find({ callKeys }: LookUp): readonly (string | null)[] {
    return callKeys.map((callKey) => this.#storedAnswer(callKey)?.text ?? null);
  }

  /** Records cache hits: answers from `find` were used in place of calls. */
  answersUsed({ callKeys, ...asked }: LookUp): void {
    this.#noteHits(asked, callKeys);
  }

  /** Settles a call that has ended. */
  end({ attempt, report }: EndedAttempt): void {
    const request = this.#account.end(attempt, report);
    if (request === undefined) return;
    const { callKey, provider } = request;
    if (report.refused !== undefined) this.#learn(request, report.refused);
    if (report.outcome !== 'not_sent' && (report.part?.index ?? 0) === 0) {
      this.#desk.circuits.observe(provider, report.status, report.error);
      this.#refusalOf(provider);
    }
    const text = report.outcome === 'ok' ? report.text : undefined;
    if (text !== undefined) this.#parts.orders?.forget(callKey);
    if (!this.#parts.policy.reuseOwn) return;
    if (text !== undefined && !this.#parts.policy.keep) this.#keepOwn(callKey, text);
    this.#desk.flights.land(callKey, text);
  }

  /** A worker has died. Its calls in flight may or may not have been answered and paid. */
  threadLost(threadId: number): void {
    this.#waits.end(threadId);
    const message = 'the worker thread died before the answer came';
    this.#endAll(this.#account.openOf(threadId), { code: 'RVB_WORKER_LOST', message });
  }

  /** Lets no further call go out, because the statement has failed or was cancelled. */
  stop(): void {
    this.#waits.endAll();
  }

  /** The statement has ended. Calls that are still in flight were cancelled. */
  close(): void {
    this.stop();
    this.#batches?.close();
    this.#gateWaits.close();
    this.#endAll(this.#account.openOf(), CANCELLED);
    this.#desk.gate.closeStatement(this.#parts.statementId);
  }

  /** True if later statements may find the answer: by this statement's policy, or by that of a waiting statement. */
  #keeps(callKey: string): boolean {
    const { keep, reuseOwn } = this.#parts.policy;
    return keep || (reuseOwn && this.#desk.flights.isKept(callKey));
  }

  #storedAnswer(callKey: string): Pick<StoredAnswer, 'text' | 'costMicroUsd'> | undefined {
    // Another statement may have stored one while a batch was out. What the batch has brought is paid all the same.
    if (this.#parts.orders?.hasBrought(callKey) === true) return undefined;
    const own = this.#own.get(callKey);
    if (own !== undefined) return { text: own, costMicroUsd: null };
    return this.#desk.journal.answers.find(callKey, this.#parts.policy.notBefore);
  }

  #hit({ callKey, cell, provider, model }: CallRequest, text: string): CallDecision {
    this.#noteHits({ cell, provider, model }, [callKey]);
    return { kind: 'hit', text };
  }

  #noteHits(asked: Omit<LookUp, 'callKeys'>, callKeys: readonly string[]): void {
    let savedMicroUsd: number | null = null;
    for (const callKey of callKeys) {
      const cost = this.#storedAnswer(callKey)?.costMicroUsd ?? null;
      if (cost !== null) savedMicroUsd = (savedMicroUsd ?? 0) + cost;
    }
    this.#parts.ledger.note({ t: 'cache.hits', count: callKeys.length, savedMicroUsd, ...asked });
  }

  /** Uses the answer of an equal call of this or another statement. */
  #shared(request: CallRequest, text: string): CallDecision {
    if (!this.#parts.policy.keep) this.#keepOwn(request.callKey, text);
    return this.#hit(request, text);
  }

  /** Waits for an equal call in flight, or asks for a permit. */
  #share(threadId: number, request: CallRequest): CallDecision | Promise<CallDecision> {
    if (this.#parts.policy.reuseOwn && this.#desk.flights.isOut(request.callKey)) {
      return this.#follow(threadId, request);
    }
    if (this.#parts.policy.keep && this.#desk.journal.isAskedElsewhere(request.callKey)) {
      return this.#awaitElsewhere(threadId, request);
    }
    return this.#admit(threadId, request);
  }

  /**
   * Waits for an equal call of another process, for at most half of the row's time. If that call ends without an
   * answer, or its process dies or is stopped, this call is made.
   */
  async #awaitElsewhere(threadId: number, request: CallRequest): Promise<CallDecision> {
    const { answers } = this.#desk.journal;
    const { callKey, leftMs } = request;
    const sinceMs = performance.now();
    const wait = this.#waits.signalOf(threadId);
    const waitedMs = (): number => performance.now() - sinceMs;
    while (
      !wait.aborted &&
      waitedMs() < leftMs / 2 &&
      answers.find(callKey, this.#parts.policy.notBefore) === undefined &&
      this.#desk.journal.isAskedElsewhere(callKey)
    ) {
      await pause(ELSEWHERE_POLL_MS, undefined, { signal: wait }).catch(() => {});
    }
    const followedMs = waitedMs();
    const left = { ...request, leftMs: leftMs - followedMs };
    const text = request.fresh === true ? undefined : this.#storedAnswer(callKey)?.text;
    const decision = await (wait.aborted
      ? this.#ended()
      : text !== undefined
        ? this.#hit(request, text)
        : this.#desk.flights.isOut(callKey)
          ? this.#follow(threadId, left)
          : this.#admit(threadId, left));
    return { ...decision, followedMs: followedMs + (decision.followedMs ?? 0) };
  }

  /** Waits for an equal call in flight. The wait counts against the row's time, as a call of its own would. */
  async #follow(threadId: number, request: CallRequest): Promise<CallDecision> {
    const sinceMs = performance.now();
    const wait = this.#waits.signalOf(threadId);
    const text = await this.#desk.flights.follow(request.callKey, {
      waitMs: request.leftMs,
      signal: wait,
      keeps: this.#parts.policy.keep,
    });
    const followedMs = performance.now() - sinceMs;
    const decision =
      text === undefined
        ? await this.#afterFollowing(threadId, { ...request, leftMs: request.leftMs - followedMs })
        : this.#shared(request, text);
    return { ...decision, followedMs: followedMs + (decision.followedMs ?? 0) };
  }

  #afterFollowing(threadId: number, request: CallRequest): CallDecision | Promise<CallDecision> {
    if (this.#waits.signalOf(threadId).aborted) return this.#ended();
    return request.leftMs <= 0 ? refused(EQUAL_CALL_TOO_LONG) : this.#share(threadId, request);
  }

  /**
   * Passes circuit, limiter and budget, in this order, so that a call that waits for the limiter does not occupy the
   * budget's last room. A call that waits for the budget gives its permit back and asks for a new one later.
   */
  #admit(threadId: number, request: CallRequest): CallDecision | Promise<CallDecision> {
    const { orders } = this.#parts;
    const ordered = orders?.find(request.callKey, request.ordered!.answers);
    if (ordered !== undefined) return this.#ordered(threadId, request, ordered);
    const refusal = this.#refusalOf(request.provider);
    if (refusal !== undefined) return refused(refusal);
    if (orders !== undefined) return this.#order(request, orders);
    if (this.#batches !== undefined) {
      return this.#batches.join(threadId, request, this.#waits.signalOf(threadId));
    }
    const usage = this.#account.estimate(request);
    const permit = this.#acquire(threadId, request, usage);
    return permit instanceof Promise
      ? this.#admitLater(threadId, request, permit, usage)
      : this.#spend(threadId, request, permit, usage);
  }

  /** Puts a question into the next batch, if the budget has room for it. */
  #order(request: CallRequest, orders: ProviderBatches): CallDecision {
    const usage = this.#account.estimate(request);
    const tooLong = this.#desk.gate.tooLong({ ...request, ...usage });
    if (tooLong !== undefined) return refused(failureOf(tooLong));
    const reserved = this.#reserve(request, usage);
    if ('refusal' in reserved) return refused(reserved.refusal);
    if ('reservation' in reserved) {
      const learned = this.#desk.journal.lessons.of(this.#askedModel(request));
      orders.ask(request, learned, reserved.reservation);
    }
    // Without room now, the run asks again when a batch has ended.
    return LATER;
  }

  /** Gives a run the answer that came with a batch. A run that begins again gets each answer once more, unrecorded. */
  #ordered(threadId: number, request: CallRequest, ordered: OrderedCall): CallDecision {
    const { answer: answered, reservation, isNoted } = ordered;
    if (answered === undefined) return LATER;
    if (isNoted) return { kind: 'go', attempt: '', answered };
    return {
      ...this.#go({ threadId, request, permit: NO_PERMIT, reservation, queuedMs: 0, ordered }),
      answered,
    };
  }

  #acquire(threadId: number, request: CallRequest, usage: Usage): Permit | Promise<Permit> {
    const { statementId, limits } = this.#parts;
    return this.#desk.gate.acquire({
      provider: request.provider,
      model: request.model,
      statementId,
      threadId,
      ...usage,
      ...(request.outputTokens === undefined ? { isOutputGuessed: true } : {}),
      ...(limits === undefined ? {} : { statementLimits: limits }),
      signal: this.#waits.signalOf(threadId),
    });
  }

  /** Passes limiter and budget with one call for several questions. Each of them gets a decision of its own. */
  async #askTogether(questions: readonly WaitingQuestion[], free: () => void): Promise<void> {
    const [first] = questions;
    const { threadId, signal } = first!;
    const request = togetherOf(questions);
    const usage = this.#account.estimate(request, questions.length);
    const sinceMs = performance.now();
    const decide = (
      decisionOn: (one: CallRequest) => CallDecision | Promise<CallDecision>,
    ): void => {
      for (const one of questions) one.settle(decisionOn(one.request));
      free();
    };
    let permit: Permit;
    this.#gateWaits.begin(request.provider, request.model);
    try {
      permit = await this.#acquire(threadId, request, usage);
    } catch (thrown) {
      const failure = failureOf(thrown);
      const isTooMuch = failure.code === 'RVB_LIMIT' && questions.length > 1 && !signal.aborted;
      if (isTooMuch) this.#batches?.shrinkBelow(questions.length);
      return decide((one) =>
        isTooMuch ? this.#admit(threadId, one) : signal.aborted ? this.#ended() : refused(failure),
      );
    } finally {
      this.#gateWaits.end();
    }
    const queuedMs = performance.now() - sinceMs;
    const refusal = this.#refusalOf(request.provider);
    const call = { threadId, request, permit, queuedMs };
    const reserved =
      signal.aborted || refusal !== undefined ? undefined : this.#reserve(request, usage);
    if (reserved === undefined || 'refusal' in reserved) {
      permit.cancel();
      const why = reserved?.refusal ?? refusal;
      const isEnded = signal.aborted || why === undefined;
      return decide(() => (isEnded ? this.#ended() : refused(why)));
    }
    if ('full' in reserved) {
      permit.cancel();
      const { full, estimate } = reserved;
      return decide((one) => this.#waitForRoom(threadId, one, full, estimate));
    }
    this.#goTogether(questions, { ...call, reservation: reserved.reservation }, free);
  }

  #goTogether(questions: readonly WaitingQuestion[], call: OpenCall, free: () => void): void {
    const { policy } = this.#parts;
    // Answers may have been stored or asked for while the questions waited. No two of them have the same key.
    const going = questions.filter(({ request, threadId, settle }) => {
      const text = request.fresh === true ? undefined : this.#storedAnswer(request.callKey)?.text;
      const isOut = policy.reuseOwn && this.#desk.flights.isOut(request.callKey);
      if (text !== undefined) settle(this.#hit(request, text));
      else if (isOut) settle(this.#follow(threadId, request));
      else if (policy.reuseOwn) this.#desk.flights.lead(request.callKey);
      return text === undefined && !isOut;
    });
    if (going.length === 0) {
      call.permit.cancel();
      call.reservation?.settle(NOTHING);
      free();
      return;
    }
    // A call counts as a retry only if it has no new question.
    going.sort((a, b) => a.request.n - b.request.n);
    const isHalf = going[0]!.request.batch?.of !== undefined;
    const shared = new OpenShared(going.length, isHalf, {
      outcome: free,
      end: (ended) => this.#batches?.learn(ended),
    });
    const jitter = Math.random();
    for (const { request, settle } of going) {
      const decision = this.#go({ ...call, request, shared });
      settle(going.length === 1 ? decision : { ...decision, shared: { id: shared.call, jitter } });
    }
  }

  /** Returns why no further call goes to the provider: it rejects its API key, or too many answers were unusable. */
  #refusalOf(provider: string): Failure | undefined {
    const { count, last } = this.#parts.ledger.unusable;
    const refusal =
      count >= UNUSABLE_ANSWERS
        ? unusableAnswers(count, last)
        : this.#desk.circuits.refusal(provider, this.#startedMs);
    if (refusal !== undefined) this.#parts.onProviderEnd(refusal);
    return refusal;
  }

  /** Waits for the limiter, or for the answer of an equal call that went out first. */
  async #admitLater(
    threadId: number,
    request: CallRequest,
    waiting: Promise<Permit>,
    usage: Usage,
  ): Promise<CallDecision> {
    const sinceMs = performance.now();
    const wait = this.#waits.signalOf(threadId);
    this.#gateWaits.begin(request.provider, request.model);
    try {
      const { keep, reuseOwn } = this.#parts.policy;
      const listening = { flights: this.#desk.flights, callKey: request.callKey, keeps: keep };
      const first = await (reuseOwn ? permitOrAnswer(waiting, listening) : waiting).finally(() =>
        this.#gateWaits.end(),
      );
      if (typeof first === 'string') return this.#shared(request, first);
      // Another process may have stored the answer meanwhile.
      const text = request.fresh === true ? undefined : this.#storedAnswer(request.callKey)?.text;
      const refusal = this.#refusalOf(request.provider);
      if (text === undefined && !wait.aborted && refusal === undefined) {
        return await this.#spend(threadId, request, first, usage, performance.now() - sinceMs);
      }
      first.cancel();
      if (text !== undefined) return this.#hit(request, text);
      return wait.aborted || refusal === undefined ? this.#ended() : refused(refusal);
    } catch (thrown) {
      return wait.aborted ? this.#ended() : refused(failureOf(thrown));
    }
  }

  /** Lets a permitted call go out if no equal call is in flight and the budget has room. Else cancels the permit. */
  #spend(
    threadId: number,
    request: CallRequest,
    permit: Permit,
    usage: Usage,
    queuedMs = 0,
  ): CallDecision | Promise<CallDecision> {
    if (this.#parts.policy.reuseOwn && this.#desk.flights.isOut(request.callKey)) {
      permit.cancel();
      return this.#follow(threadId, request);
    }
    const call = { threadId, request, permit, queuedMs };
    const reserved = this.#reserve(request, usage);
    if ('reservation' in reserved) {
      return this.#go({ ...call, reservation: reserved.reservation });
    }
    permit.cancel();
    return 'full' in reserved
      ? this.#waitForRoom(threadId, request, reserved.full, reserved.estimate)
      : refused(reserved.refusal);
  }

  /** Reserves room for a call in the budgets that hold for it. */
  #reserve(
    request: CallRequest,
    usage: Usage,
  ):
    | { readonly reservation: Reservation | undefined }
    | { readonly full: Room; readonly estimate: Estimate }
    | { readonly refusal: Failure } {
    const { budget, purse } = this.#parts;
    const budgets = [budget, purse].filter((one) => one !== undefined);
    if (budgets.length === 0) return { reservation: undefined };
    if (purse?.limits.costMicroUsd !== undefined && !this.#account.isCosted(request, usage)) {
      const refusal = uncosted(request.provider, request.model);
      this.#parts.onProviderEnd(refusal);
      return { refusal };
    }
    const estimate = this.#account.expected(request, usage);
    const reservation = reserveInAll(budgets, estimate);
    if ('settle' in reservation) return { reservation };
    if (reservation.mayWait) return { full: reservation.full, estimate };
    this.#endBudget();
    return { refusal: this.#isBudgetUsedUp ? BUDGET_USED_UP : CANCELLED };
  }

  async #waitForRoom(
    threadId: number,
    request: CallRequest,
    full: Room,
    estimate: Estimate,
  ): Promise<CallDecision> {
    const wait = this.#waits.signalOf(threadId);
    this.#waitingForRoom += 1;
    await full.room(estimate, wait);
    this.#waitingForRoom -= 1;
    // An equal call may have been answered meanwhile.
    return wait.aborted ? this.#ended() : this.decide(threadId, request);
  }

  /** Lets no further call go out, and ends all waits. */
  #endBudget(): void {
    if (this.#isBudgetUsedUp) return;
    this.#isBudgetUsedUp = true;
    // What is in batches is paid, and its runs go on.
    if (this.#parts.orders !== undefined) return;
    this.#parts.onBudgetEnd();
    this.#waits.endAll();
  }

  #ended(): CallDecision {
    return refused(this.#isBudgetUsedUp ? BUDGET_USED_UP : CANCELLED);
  }

  #go(call: OpenCall): Extract<CallDecision, { readonly kind: 'go' }> {
    const { callKey } = call.request;
    const { flights, journal } = this.#desk;
    if (this.#parts.policy.reuseOwn) flights.lead(callKey);
    const lost = journal.takeLostCalls(callKey);
    // An answer that an earlier execution had read, and not recorded, is read again. It is paid once.
    const again = call.ordered === undefined ? lost : 0;
    const attempt = this.#account.open(call, again);
    const learned = journal.lessons.of(this.#askedModel(call.request));
    return { kind: 'go', attempt, ...(learned === undefined ? {} : { learned }) };
  }

  /** Learns that the model refuses a parameter. Later calls omit or rename the parameter. */
  #learn(request: CallRequest, refused: RefusedParameter): void {
    const { provider, model } = request;
    const isNew = this.#desk.journal.lessons.learn(this.#askedModel(request), refused);
    if (isNew) this.#parts.ledger.note({ t: 'parameter.refused', provider, model, ...refused });
  }

  #askedModel({ provider, model }: CallRequest): AskedModel {
    return { provider, baseUrl: this.#parts.baseUrlOf(provider), model };
  }

  #endAll(attempts: readonly string[], error: Failure): void {
    for (const attempt of attempts) {
      this.end({ attempt, report: { durationMs: 0, outcome: 'failed', error } });
    }
  }

  #keepOwn(callKey: string, text: string): void {
    this.#own.set(callKey, text);
    dropOldest(this.#own, STATEMENT_MAX_ANSWERS);
  }
}

/** Returns the request for one call with all questions. What their prompts have in common counts once. */
function togetherOf(questions: readonly WaitingQuestion[]): CallRequest {
  const requests = questions.map(({ request }) => request);
  const [first] = requests;
  const sharedTokens = first!.batch?.sharedTokens ?? 0;
  const sum = (tokensOf: (one: CallRequest) => number): number =>
    requests.reduce((total, one) => total + tokensOf(one), 0);
  const { outputTokens } = first!;
  return {
    ...first!,
    inputTokens: sum((one) => one.inputTokens) - (requests.length - 1) * sharedTokens,
    ...(outputTokens === undefined ? {} : { outputTokens: sum((one) => one.outputTokens ?? 0) }),
  };
}
