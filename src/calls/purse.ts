/** What a caller may spend on model calls in all its statements: a session of an agent, or a user on one day. */
import type { BudgetLimits } from '../plan/plan.ts';
import { Budget, type Estimate, NOTHING, type Reservation } from './budget.ts';

/**
 * A budget that outlives its statements, and that several may spend from at once. A call that finds no room ends its own
 * statement alone: a later statement may ask for less.
 */
export class Purse extends Budget {
  readonly limits: BudgetLimits;

  constructor(limits: BudgetLimits) {
    super(limits, { endsForAll: false });
    this.limits = limits;
  }

  /** What is left of each limit: settled calls count, calls in flight do not. */
  get left(): BudgetLimits {
    const { calls, costMicroUsd } = this.limits;
    return {
      ...(calls === undefined ? {} : { calls: Math.max(0, calls - this.spent.calls) }),
      ...(costMicroUsd === undefined
        ? {}
        : { costMicroUsd: Math.max(0, costMicroUsd - this.spent.costMicroUsd) }),
    };
  }
}

/** Reserves room in all budgets, or in none: then returns the budget without room, and whether it may have some later. */
export function reserveInAll(
  budgets: readonly Budget[],
  estimate: Estimate,
): Reservation | { readonly full: Budget; readonly mayWait: boolean } {
  const taken: Reservation[] = [];
  for (const budget of budgets) {
    const reservation = budget.reserve(estimate);
    if (reservation !== undefined && reservation !== 'wait') {
      taken.push(reservation);
      continue;
    }
    for (const one of taken) one.settle(NOTHING);
    return { full: budget, mayWait: reservation === 'wait' };
  }
  return {
    settle(spent) {
      for (const one of taken) one.settle(spent);
    },
  };
}
