/** The types of a request to the gate, of its permit, and of a call's result. */

import type { CallLimits } from '../../model/call-limits.ts';
import type { RateLimits, Usage } from '../../model/chat.ts';

/** A model call that asks for a permit. */
export interface GateRequest {
  readonly provider: string;
  readonly model: string;
  readonly statementId: number;
  /** The worker that makes the call. */
  readonly threadId?: number;
  /** Estimated tokens, input and output. The `usage` of the result corrects them. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** True if nothing caps the output. Then `outputTokens` is no reason to refuse the call. */
  readonly isOutputGuessed?: boolean;
  /**
   * The statement's own limits over all of its calls. All calls of a statement carry the same limits. They hold in
   * addition to the provider's limits.
   */
  readonly statementLimits?: CallLimits;
  readonly signal: AbortSignal;
}

/** The result of a call. */
export interface CallResult {
  /** The HTTP status; absent without a response. */
  readonly status?: number;
  readonly retryAfterMs?: number;
  readonly rateLimits?: RateLimits;
  readonly usage?: Usage;
}

/** The permission to make one call. Only the first call of `settle` or `cancel` has an effect. */
export interface Permit {
  /** How long the call waited for the permit, in milliseconds. */
  readonly waitedMs: number;
  /** The call has ended. */
  settle(result: CallResult): void;
  /** The call never went out: frees all room that it holds. */
  cancel(): void;
}
