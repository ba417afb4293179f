/** Keeps account of a statement's model calls: calls in flight, their usage and cost, and their journal records. */

import type { Ledger } from '../journal/ledger.ts';
import { CALL_OUTPUT_TOKENS } from '../limits.ts';
import type { AttemptReport, Usage } from '../model/chat.ts';
import type { CallCost } from '../model/prices.ts';
import type { Spending } from '../plan/budget-limits.ts';
import type { CallRequest } from '../run/contract.ts';
import { type Estimate, NOTHING, type Reservation } from './budget.ts';
import type { Permit } from './gate/gate-request.ts';
import { LaneNumbers } from './lane-numbers.ts';
import { type OpenShared, partOf } from './open-shared.ts';
import type { OrderedCall } from './provider-batches.ts';

const NO_TOKENS: Usage = { inputTokens: 0, outputTokens: 0 };

/** The parameters of a call account. */
export interface CallAccountParts {
  readonly ledger: Ledger;
  /** Returns true if later statements may find the answer to this call key. */
  keeps(callKey: string): boolean;
  /** The file of the cascade that makes the calls. */
  readonly cascade: string;
  /** Returns the cost of a call; undefined if the price is unknown. */
  costOf(provider: string, model: string, usage: Usage): CallCost | undefined;
}

/** A call in flight. */
export interface OpenCall {
  readonly threadId: number;
  readonly request: CallRequest;
  readonly permit: Permit;
  readonly reservation: Reservation | undefined;
  /** How long the call waited for the limiter, in milliseconds. */
  readonly queuedMs: number;
  /** Present if the question shares its call with others. */
  readonly shared?: OpenShared;
  /** Present if the call was made by the provider's Batch API. */
  readonly ordered?: OrderedCall;
}

/** The account of one statement's calls. */
export class CallAccount {
  readonly #parts: CallAccountParts;
  readonly #open = new Map<string, OpenCall & { readonly lane: number }>();
  readonly #lanes = new LaneNumbers();
  #outputTokens = 0;
  #outputCounts = 0;
  /** The share of cached input tokens in the latest call of each cell to each model, by `placeOf`. */
  readonly #cachedShares = new Map<string, number>();

  constructor(parts: CallAccountParts) {
    this.#parts = parts;
  }

  /** Records the start of a call; returns the attempt's id. `again`: how often the call may have been paid before. */
  open(call: OpenCall, again: number): string {
    const { ledger, cascade } = this.#parts;
    const attempt = ledger.nextAttempt();
    const { shared } = call;
    const lane = shared?.lane || this.#lanes.take();
    if (shared !== undefined) {
      shared.lane = lane;
      shared.open += 1;
      shared.call ||= attempt;
    }
    this.#open.set(attempt, { ...call, lane });
    const { callKey, cell, n, provider, model, insteadOf, prompt } = call.request;
    const queuedMs = Math.round(call.queuedMs * 1_000) / 1_000;
    ledger.note({
      t: 'attempt.start',
      attempt,
      callKey,
      cascade,
      cell,
      n,
      provider,
      model,
      ...(insteadOf === undefined ? {} : { insteadOf }),
      lane,
      ...(shared === undefined || shared.of === 1
        ? {}
        : { shared: { call: shared.call, of: shared.of } }),
      ...(call.ordered === undefined ? {} : { batch: call.ordered.id }),
      ...(again === 0 ? {} : { again }),
      ...(queuedMs < 1 ? {} : { queuedMs }),
      ...(prompt === undefined ? {} : { prompt }),
    });
    return attempt;
  }

  /** Settles a call in flight and records its end. Returns its request; undefined if the call has already ended. */
  end(attempt: string, report: AttemptReport): CallRequest | undefined {
    const call = this.#open.get(attempt);
    if (call === undefined) return undefined;
    this.#open.delete(attempt);
    const { shared } = call;
    const settles = shared?.end(report) !== false;
    if (shared === undefined || shared.open === 0) this.#lanes.giveBack(call.lane);
    if (settles) this.#settle(call, report);
    this.#note(attempt, call, report);
    // Without a status the answer was not read: the worker has died, or the statement was stopped.
    if (call.ordered !== undefined) call.ordered.isNoted = report.status !== undefined;
    return call.request;
  }

  /** The number of questions in flight. */
  get inFlight(): number {
    return this.#open.size;
  }

  /** Returns the attempt ids of the calls in flight: of all workers, or of one. */
  openOf(threadId?: number): readonly string[] {
    return [...this.#open]
      .filter(([, call]) => threadId === undefined || call.threadId === threadId)
      .map(([attempt]) => attempt);
  }

  /**
   * Estimates a call's tokens. The output is the call's cap, else the average of the statement's calls so far. The
   * share of cached input is that of the latest call of the same cell to the same model. `questions`: how many share
   * the call.
   */
  estimate(request: CallRequest, questions = 1): Usage {
    const { inputTokens, outputTokens } = request;
    const cachedTokens = Math.floor(inputTokens * (this.#cachedShares.get(placeOf(request)) ?? 0));
    return {
      inputTokens,
      outputTokens: outputTokens ?? questions * this.#expectedOutput,
      ...(cachedTokens > 0 ? { cachedTokens } : {}),
    };
  }

  get #expectedOutput(): number {
    if (this.#outputCounts === 0) return CALL_OUTPUT_TOKENS;
    return Math.ceil(this.#outputTokens / this.#outputCounts);
  }

  /** Returns what a call is expected to spend if it takes the tokens of `usage`. */
  expected(request: CallRequest, usage: Usage): Estimate {
    const isGuessed = request.outputTokens === undefined;
    return { ...this.#spendingOf(request, usage), isGuessed };
  }

  /** False if the price of the call's model is not known. */
  isCosted({ provider, model }: CallRequest, usage: Usage): boolean {
    return this.#parts.costOf(provider, model, usage) !== undefined;
  }

  #spendingOf({ provider, model }: CallRequest, usage: Usage): Spending {
    return {
      calls: 1,
      tokens: usage.inputTokens + usage.outputTokens,
      costMicroUsd: this.#parts.costOf(provider, model, usage)?.costMicroUsd ?? 0,
    };
  }

  /** A cost that is no safe number counts as all that is left of the budget. */
  #spentBy(request: CallRequest, usage: Usage): Spending {
    const isBeyond = !this.isCosted(request, usage) && this.isCosted(request, NO_TOKENS);
    return { ...this.#spendingOf(request, usage), ...(isBeyond ? { costMicroUsd: Infinity } : {}) };
  }

  #settle({ request, permit, reservation, shared }: OpenCall, report: AttemptReport): void {
    const { outcome, usage } = report;
    if (outcome === 'not_sent') {
      permit.cancel();
      reservation?.settle(NOTHING);
      return;
    }
    permit.settle(report);
    if (usage !== undefined) {
      this.#outputTokens += usage.outputTokens;
      this.#outputCounts += shared?.of ?? 1;
      const { inputTokens, cachedTokens = 0 } = usage;
      this.#cachedShares.set(placeOf(request), inputTokens === 0 ? 0 : cachedTokens / inputTokens);
      reservation?.settle(this.#spentBy(request, usage));
      return;
    }
    reservation?.settle(isFree(report) ? { ...NOTHING, calls: 1 } : undefined);
  }

  #note(attempt: string, { request }: OpenCall, report: AttemptReport): void {
    const { ledger, keeps, costOf } = this.#parts;
    const { callKey, provider, model } = request;
    const { outcome, status, usage, durationMs, error, text, raw, part } = report;
    // An unbilled call costs 0 if the price is known. Without a price the cost of every call is unknown.
    const counted = usage ?? (isFree(report) ? NO_TOKENS : undefined);
    const cost = counted === undefined ? undefined : costOf(provider, model, counted);
    ledger.note({
      t: 'attempt.end',
      attempt,
      outcome,
      ...(status === undefined ? {} : { status }),
      tokensIn: partOf(usage?.inputTokens ?? 0, part),
      tokensOut: partOf(usage?.outputTokens ?? 0, part),
      ...(usage?.cachedTokens === undefined
        ? {}
        : { tokensCached: partOf(usage.cachedTokens, part) }),
      ...(usage?.cacheWriteTokens === undefined
        ? {}
        : { tokensCacheWrite: partOf(usage.cacheWriteTokens, part) }),
      costMicroUsd: cost === undefined ? null : partOf(cost.costMicroUsd, part),
      costStatus: cost === undefined ? 'uncosted' : cost.isAssumed === true ? 'assumed' : 'settled',
      durationMs: Math.round(durationMs * 1_000) / 1_000,
      ...(outcome === 'ok' && text !== undefined && keeps(callKey) ? { callKey, value: text } : {}),
      ...(error === undefined ? {} : { error }),
      ...(raw === undefined ? {} : { raw }),
    });
  }
}

/** Returns a key for a cell and its model. A statement has few of them. */
function placeOf({ cell, provider, model }: CallRequest): string {
  return `${provider}\n${model}\n${cell}`;
}

/** True if the call was not billed: it has an error status and no usage. Any other call without usage may be billed. */
function isFree({ status, usage }: AttemptReport): boolean {
  return usage === undefined && status !== undefined && status >= 400;
}
