/** What the gate is asked, and what it is told afterwards. */

import type { CallLimits } from '../../model/call-limits.ts';
import type { RateLimits, Usage } from '../../model/chat.ts';

/** A model call that wants to go out. */
export interface GateRequest {
  readonly provider: string;
  readonly model: string;
  readonly statementId: number;
  /** Estimates; `usage` corrects them afterwards. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Nothing caps the output: the estimate is no reason to refuse the call. */
  readonly isOutputGuessed?: boolean;
  /**
   * Limits of the statement itself, over all of its calls, and the same with each of them; they hold in
   * addition, so they can only tighten.
   */
  readonly statementLimits?: CallLimits;
  readonly signal: AbortSignal;
}

/** What became of a call. */
export interface CallResult {
  /** Absent where nothing answered. */
  readonly status?: number;
  readonly retryAfterMs?: number;
  readonly rateLimits?: RateLimits;
  readonly usage?: Usage;
}

/** Leave to make one call. Only the first of `settle` and `cancel` counts. */
export interface Permit {
  /** Milliseconds spent waiting. */
  readonly waitedMs: number;
  /** The call has ended. */
  settle(result: CallResult): void;
  /** The call never went out: all that it reserved is free again. */
  cancel(): void;
}
