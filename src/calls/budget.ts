/** A statement's budget for model calls. A call reserves its estimate before it goes out, and is settled after it. */
import type { BudgetLimits, Spending } from '../plan/budget-limits.ts';

/** The expected spending of a call. */
export interface Estimate extends Spending {
  /** True if nothing caps the call's output, so that the call may spend far less or more. */
  readonly isGuessed: boolean;
}

/** The part of the budget that is reserved for a call in flight. */
export interface Reservation {
  /** Replaces the reservation by `spent`; by default by the estimate. Only the first `settle` has an effect. */
  settle(spent?: Spending): void;
}

const KEYS = ['calls', 'tokens', 'costMicroUsd'] as const;
/** The spending of no call. */
export const NOTHING: Spending = { calls: 0, tokens: 0, costMicroUsd: 0 };

/**
 * Spent and reserved amounts together stay within the limits. So a statement overspends at most by what its calls in
 * flight spend beyond their estimates. A guessed estimate alone refuses no call: if no other call is in flight, the
 * call may go out as long as anything is left, so that a small budget is used.
 */
export class Budget {
  readonly #limits: BudgetLimits;
  readonly #endsForAll: boolean;
  #spent: Spending;
  #reserved: Spending = NOTHING;
  #waiting: (() => void)[] = [];
  #exhausted = false;

  /** `endsForAll`: whether no later call gets room either once a call has found none. Default true. */
  constructor(
    limits: BudgetLimits,
    { endsForAll = true, spent = NOTHING }: { endsForAll?: boolean; spent?: Spending } = {},
  ) {
    this.#limits = limits;
    this.#spent = spent;
    this.#endsForAll = endsForAll;
  }

  /** The spending of all settled calls. */
  get spent(): Spending {
    return this.#spent;
  }

  /**
   * Reserves room for a call. Returns `wait` if calls in flight may leave room for it. Returns undefined once the
   * budget is used up: for every later call too, unless `endsForAll` is false.
   */
  reserve(estimate: Estimate): Reservation | 'wait' | undefined {
    const room = this.#roomFor(estimate);
    if (room === 'now') return this.#take(estimate);
    return room === 'later' ? 'wait' : this.#end();
  }

  /** Resolves when a call with this estimate need not wait any longer, or when the signal aborts. */
  async room(estimate: Estimate, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.#roomFor(estimate) === 'later') await this.#changeOr(signal);
  }

  #roomFor(estimate: Estimate): 'now' | 'later' | 'never' {
    if (this.#exhausted) return 'never';
    if (this.#fits(estimate, this.#reserved)) return 'now';
    const isAlone = this.#reserved.calls === 0;
    if (estimate.isGuessed ? !this.#isAnythingLeft() : !this.#fits(estimate, NOTHING))
      return 'never';
    if (!isAlone) return 'later';
    return estimate.isGuessed ? 'now' : 'never';
  }

  #isAnythingLeft(): boolean {
    return KEYS.every((key) => {
      const limit = this.#limits[key];
      return limit === undefined || this.#spent[key] < limit;
    });
  }

  #changeOr(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        signal.removeEventListener('abort', end);
        resolve();
      };
      signal.addEventListener('abort', end);
      this.#waiting.push(end);
    });
  }

  #fits(estimate: Spending, reserved: Spending): boolean {
    return KEYS.every((key) => {
      const limit = this.#limits[key];
      return limit === undefined || this.#spent[key] + reserved[key] + estimate[key] <= limit;
    });
  }

  #take(estimate: Spending): Reservation {
    this.#reserved = sum(this.#reserved, estimate, 1);
    let settled = false;
    return {
      settle: (spent = estimate) => {
        if (settled) return;
        settled = true;
        this.#reserved = sum(this.#reserved, estimate, -1);
        this.#spent = sum(this.#spent, spent, 1);
        this.#wake();
      },
    };
  }

  #end(): undefined {
    this.#exhausted = this.#endsForAll;
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

function sum(a: Spending, b: Spending, sign: 1 | -1): Spending {
  return {
    calls: a.calls + sign * b.calls,
    tokens: a.tokens + sign * b.tokens,
    costMicroUsd: a.costMicroUsd + sign * b.costMicroUsd,
  };
}
