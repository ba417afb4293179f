/** What a statement may spend on model calls: reserved before a call goes out, settled after it. */
import type { BudgetLimits, Spending } from '../plan/plan.ts';

/** What a call is expected to spend. */
export interface Estimate extends Spending {
  /** Nothing caps what it writes: it may be far less, or more. */
  readonly isGuessed: boolean;
}

/** What a call that goes out may spend. Settled once, with what it spent. */
export interface Reservation {
  /** Without a figure it has spent what it was expected to. */
  settle(spent?: Spending): void;
}

const KEYS = ['calls', 'tokens', 'costMicroUsd'] as const;
/** No call. */
export const NOTHING: Spending = { calls: 0, tokens: 0, costMicroUsd: 0 };

/**
 * Spent and reserved together never exceed the limits, so what is overspent is at most what calls in
 * flight spend beyond their estimates. A guess alone refuses nothing: with no other call in flight one may
 * go as long as anything is left, so that a small budget buys what it can.
 */
export class Budget {
  readonly #limits: BudgetLimits;
  #spent: Spending = NOTHING;
  #reserved: Spending = NOTHING;
  #waiting: (() => void)[] = [];
  #exhausted = false;

  constructor(limits: BudgetLimits) {
    this.#limits = limits;
  }

  get spent(): Spending {
    return this.#spent;
  }

  /**
   * Room for a call of this estimate, `wait` where calls in flight may leave some. Undefined once the budget
   * is used up, for this call and every later one.
   */
  reserve(estimate: Estimate): Reservation | 'wait' | undefined {
    const room = this.#roomFor(estimate);
    if (room === 'now') return this.#take(estimate);
    return room === 'later' ? 'wait' : this.#end();
  }

  /** Resolves when a call of this estimate need not wait any longer, or the signal aborts. */
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
    this.#exhausted = true;
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
