/** Folds a statement's records into its account: rows by outcome, runs, failures. */
import type { ErrorCode } from '../error-codes.ts';
import { SUMMARY_MAX_FAILURES } from '../limits.ts';
import type { RowFailure, Summary } from '../result.ts';
import type { AttemptEnd, AttemptStart, JournalEntry } from './records.ts';

/** How a statement ended. It becomes `Summary.status` and `Summary.reason`. */
export type Ending =
  | { readonly complete: true }
  | { readonly complete: false; readonly reason: string; readonly code?: ErrorCode };

/** The calls that have ended up to some moment. */
export interface EndedCalls {
  readonly ended: number;
  /** The number of these calls without a known price. */
  readonly uncosted: number;
  /** The cost of the others. */
  readonly costMicroUsd: number;
}

const NO_CALLS: EndedCalls = { ended: 0, uncosted: 0, costMicroUsd: 0 };

/** The running account of one statement. `observe` takes its records in order; `summary` may be called at any time. */
export class Account {
  #rows = 0;
  #deduped = 0;
  #runs = 0;
  #ok = 0;
  #null = 0;
  #failed = 0;
  #skipped = 0;
  #sent = 0;
  #retried = 0;
  /** In-flight calls with an `n` above 1 or an `again`, and shared calls, by attempt. */
  readonly #repeats = new Map<string, AttemptStart>();
  #ended = 0;
  #callsMs = 0;
  #uncosted = 0;
  #cacheHits = 0;
  #possiblyPaidTwice = 0;
  #tokensIn = 0;
  #tokensOut = 0;
  #tokensCached = 0;
  #tokensCacheWrite = 0;
  #costMicroUsd = 0;
  #assumedMicroUsd = 0;
  #failures: RowFailure[] = [];
  #strategy: Summary['strategy'] = 'none';
  #waitedMs = 0;
  #unusable = 0;
  #lastUnusable = '';
  readonly #refused: NonNullable<Summary['refusedParameters']>[number][] = [];
  /** The key is the model that answered and the model that it replaced. */
  readonly #fallbacks = new Map<string, NonNullable<Summary['fallbacks']>[number]>();

  observe(entry: JournalEntry): void {
    switch (entry.t) {
      case 'statement.open':
        this.#strategy = entry.cascade === undefined ? 'none' : (entry.strategy ?? 'batch');
        return;
      case 'statement.read':
        this.#rows = entry.rows;
        this.#deduped = entry.deduped;
        return;
      case 'rows':
        this.#runs += entry.count;
        this.#ok += entry.ok;
        this.#null += entry.null;
        this.#failed += entry.failed;
        this.#skipped += entry.skipped;
        this.#keepFailures(entry.failures);
        return;
      case 'attempt.start':
        this.#countStart(entry, 1);
        if (entry.n > 1 || entry.again !== undefined || entry.shared !== undefined) {
          this.#repeats.set(entry.attempt, entry);
        }
        return;
      case 'attempt.end': {
        const repeat = this.#repeats.get(entry.attempt);
        this.#repeats.delete(entry.attempt);
        if (entry.outcome === 'not_sent') {
          this.#countStart(repeat ?? { attempt: entry.attempt, n: 1 }, -1);
          return;
        }
        this.#tokensIn += entry.tokensIn;
        this.#tokensOut += entry.tokensOut;
        this.#tokensCached += entry.tokensCached ?? 0;
        this.#tokensCacheWrite += entry.tokensCacheWrite ?? 0;
        this.#costMicroUsd += entry.costMicroUsd ?? 0;
        if (entry.costStatus === 'assumed') this.#assumedMicroUsd += entry.costMicroUsd ?? 0;
        if (repeat === undefined || isCall(repeat)) {
          if (entry.costMicroUsd === null) this.#uncosted += 1;
          this.#ended += 1;
          this.#callsMs += entry.durationMs;
        }
        // A question that shared its call is asked again by itself before its answer counts as unusable.
        if (entry.outcome === 'ok' || repeat?.shared === undefined) this.#countUnusable(entry);
        if (entry.outcome === 'ok') this.#countFallback(repeat);
        return;
      }
      case 'cache.hits':
        this.#cacheHits += entry.count;
        return;
      case 'parameter.refused': {
        const { t: _t, provider, model, ...refused } = entry;
        this.#refused.push({ model: `${provider}/${model}`, ...refused });
        return;
      }
      case 'calls.released':
        this.#waitedMs += entry.waitedMs;
        return;
      case 'calls.held':
      case 'run.stalled':
      case 'worker.lost':
      case 'statement.close':
        return;
    }
  }

  /** The number of rows settled so far. */
  get settledRows(): number {
    return this.#ok + this.#null + this.#failed + this.#skipped;
  }

  /** The number of calls sent so far, without retries. */
  get callsMade(): number {
    return this.#sent - this.#retried;
  }

  /** The number of unusable answers since the last usable answer, and the error message of the newest of them. */
  get unusable(): { readonly count: number; readonly last: string } {
    return { count: this.#unusable, last: this.#lastUnusable };
  }

  /** The calls that have ended, from which `costSince` counts. */
  get endedCalls(): EndedCalls {
    return { ended: this.#ended, uncosted: this.#uncosted, costMicroUsd: this.#costMicroUsd };
  }

  /**
   * Micro-USD of the calls that have ended since `earlier` and have a known price; null if calls have ended and no call
   * has a known price.
   */
  costSince(earlier: EndedCalls): number | null {
    const ended = this.#ended - earlier.ended;
    const uncosted = this.#uncosted - earlier.uncosted;
    return ended > 0 && uncosted === ended ? null : this.#costMicroUsd - earlier.costMicroUsd;
  }

  summary(names: { session: string; caller: string }, durationMs: number, ending: Ending): Summary {
    return {
      sessionId: names.session,
      callerId: names.caller,
      status: ending.complete ? 'complete' : 'incomplete',
      ...(ending.complete ? {} : { reason: ending.reason }),
      rows: {
        in: this.#rows,
        ok: this.#ok,
        null: this.#null,
        failed: this.#failed,
        skipped: this.#skipped,
        notRun: this.#rows - this.settledRows,
        deduped: this.#deduped,
      },
      runs: this.#runs,
      calls: {
        sent: this.#sent,
        retried: this.#retried,
        cacheHits: this.#cacheHits,
        possiblyPaidTwice: this.#possiblyPaidTwice,
      },
      tokens: {
        in: this.#tokensIn,
        out: this.#tokensOut,
        ...(this.#tokensCached === 0 ? {} : { cached: this.#tokensCached }),
        ...(this.#tokensCacheWrite === 0 ? {} : { cacheWrite: this.#tokensCacheWrite }),
      },
      costMicroUsd: this.costSince(NO_CALLS),
      ...(this.#assumedMicroUsd === 0 ? {} : { assumedCostMicroUsd: this.#assumedMicroUsd }),
      uncostedCalls: this.#uncosted,
      durationMs,
      ...(this.#callsMs === 0 ? {} : { callsMs: Math.round(this.#callsMs) }),
      waitedMs: this.#waitedMs,
      strategy: this.#strategy,
      ...(this.#refused.length === 0 ? {} : { refusedParameters: [...this.#refused] }),
      ...(this.#fallbacks.size === 0 ? {} : { fallbacks: [...this.#fallbacks.values()] }),
      failures: this.#failures,
    };
  }

  /** Counts only the failures that are about the answer's content. */
  #countUnusable({ outcome, error }: AttemptEnd): void {
    if (outcome === 'ok') this.#unusable = 0;
    else if (error?.code === 'RVB_ANSWER_INVALID' || error?.code === 'RVB_MODEL_TRUNCATED') {
      this.#unusable += 1;
      this.#lastUnusable = error.message;
    }
  }

  /** Every call to a fallback model has an `n` above 1, because the cell tried another model first. */
  #countFallback(start: AttemptStart | undefined): void {
    if (start?.insteadOf === undefined) return;
    const { insteadOf } = start;
    const model = `${start.provider}/${start.model}`;
    const key = `${model}\n${insteadOf}`;
    const calls = (this.#fallbacks.get(key)?.calls ?? 0) + 1;
    this.#fallbacks.set(key, { model, insteadOf, calls });
  }

  /** `by` is -1 if the call turns out not to have been sent. */
  #countStart(start: Pick<AttemptStart, 'attempt' | 'n' | 'again' | 'shared'>, by: 1 | -1): void {
    this.#possiblyPaidTwice += by * (start.again ?? 0);
    if (!isCall(start)) return;
    this.#sent += by;
    if (start.n > 1) this.#retried += by;
  }

  /** Keeps the first failures in row order. Failures may arrive in any order. */
  #keepFailures(failures: readonly RowFailure[]): void {
    if (failures.length === 0) return;
    this.#failures = [...this.#failures, ...failures]
      .sort((a, b) => a.ordinal - b.ordinal)
      .slice(0, SUMMARY_MAX_FAILURES);
  }
}

/** True for a call of its own, and for the first question of a shared call, which stands for the call. */
export function isCall({ attempt, shared }: Pick<AttemptStart, 'attempt' | 'shared'>): boolean {
  return shared === undefined || shared.call === attempt;
}
