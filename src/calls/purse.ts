/** What a caller may spend on model calls in all its statements: a session of an agent, or a user on one day. */
import type { BudgetLimits, Spending } from '../plan/budget-limits.ts';
import { Budget, type Estimate, NOTHING, type Reservation } from './budget.ts';

const DAY_MS = 86_400_000;

/** What a call must find room in before it goes out. */
export type Room = Pick<Budget, 'reserve' | 'room'>;

/** The options of a purse. */
export interface PurseOptions {
  /** True: filled anew each day at 00:00 UTC. Default false. */
  readonly daily?: boolean;
  /** What was spent before, on this day if the purse is filled daily. Default nothing. */
  readonly spent?: Partial<Spending>;
  /** The time in milliseconds since the epoch. Default `Date.now`. */
  readonly now?: () => number;
}

/**
 * A budget that outlives its statements, and that several may spend from at once. A call that finds no room ends its own
 * statement alone: a later statement may ask for less.
 */
export class Purse implements Room {
  readonly limits: BudgetLimits;
  readonly #day: () => number;
  #since: number;
  #budget: Budget;

  constructor(limits: BudgetLimits, { daily = false, spent, now = Date.now }: PurseOptions = {}) {
    this.limits = limits;
    this.#day = () => (daily ? Math.floor(now() / DAY_MS) : 0);
    this.#since = this.#day();
    this.#budget = new Budget(limits, { endsForAll: false, spent: { ...NOTHING, ...spent } });
  }

  /** The spending of all calls that have ended: of this day, if the purse is filled daily. */
  get spent(): Spending {
    return this.#current().spent;
  }

  /** What is left of each limit. Calls in flight do not count yet. */
  get left(): BudgetLimits {
    const { calls, costMicroUsd } = this.limits;
    const { spent } = this;
    return {
      ...(calls === undefined ? {} : { calls: Math.max(0, calls - spent.calls) }),
      ...(costMicroUsd === undefined
        ? {}
        : { costMicroUsd: Math.max(0, costMicroUsd - spent.costMicroUsd) }),
    };
  }

  /** Reserves room for a call, as `Budget.reserve` does. */
  reserve(estimate: Estimate): Reservation | 'wait' | undefined {
    return this.#current().reserve(estimate);
  }

  /** Waits until a call need not wait any longer, as `Budget.room` does. */
  room(estimate: Estimate, signal: AbortSignal): Promise<void> {
    return this.#current().room(estimate, signal);
  }

  #current(): Budget {
    const day = this.#day();
    if (day !== this.#since) {
      this.#since = day;
      this.#budget = new Budget(this.limits, { endsForAll: false });
    }
    return this.#budget;
  }
}

/** Reserves room in all, or in none: then returns which has no room, and whether it may have some later. */
export function reserveInAll(
  rooms: readonly Room[],
  estimate: Estimate,
): Reservation | { readonly full: Room; readonly mayWait: boolean } {
  const taken: Reservation[] = [];
  for (const room of rooms) {
    const reservation = room.reserve(estimate);
    if (reservation !== undefined && reservation !== 'wait') {
      taken.push(reservation);
      continue;
    }
    for (const one of taken) one.settle(NOTHING);
    return { full: room, mayWait: reservation === 'wait' };
  }
  return {
    settle(spent) {
      for (const one of taken) one.settle(spent);
    },
  };
}
