/** Collects the bounds of a statement's calls: its budget, its limits, and the limits of the providers that it asks. */
import type { CallLimits } from '../../model/call-limits.ts';
import type { BudgetLimits } from '../../plan/budget-limits.ts';
import type { CellEstimate, ExplainGuards } from '../../result.ts';

export interface GuardSources {
  readonly budget: BudgetLimits;
  readonly limits?: CallLimits | undefined;
  readonly cells: readonly CellEstimate[];
  readonly limitsOf: (provider: string) => CallLimits | undefined;
}

/** Returns the bounds; of several limits of one kind, the smallest. */
export function guardsOf({ budget, limits, cells, limitsOf }: GuardSources): ExplainGuards {
  const all = [limits, ...[...new Set(cells.map(({ provider }) => provider))].map(limitsOf)];
  const smallest = (key: 'rpm' | 'inputTpm' | 'outputTpm' | 'inFlight') => {
    const values = all.flatMap((one) => one?.[key] ?? []);
    return values.length === 0 ? {} : { [key]: Math.min(...values) };
  };
  return {
    ...(budget.calls === undefined ? {} : { maxCalls: budget.calls }),
    ...(budget.tokens === undefined ? {} : { maxTokens: budget.tokens }),
    ...(budget.costMicroUsd === undefined ? {} : { maxCostMicroUsd: budget.costMicroUsd }),
    ...smallest('rpm'),
    ...smallest('inputTpm'),
    ...smallest('outputTpm'),
    ...smallest('inFlight'),
  };
}
