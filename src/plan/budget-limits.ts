/** What a statement may spend. */

/** Calls, tokens and cost, of one call or of many. */
export interface Spending {
  readonly calls: number;
  readonly tokens: number;
  /** Micro-USD. */
  readonly costMicroUsd: number;
}

/** `max_calls`, `max_total_tokens` and `max_cost` of a statement. An absent value sets no limit. */
export type BudgetLimits = Partial<Spending>;
