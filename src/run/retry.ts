/** When a failed attempt is made again: how often, and after what wait. */
import type { Retry } from '../cascade/cascade.ts';
import { RETRY_AFTER_MAX_MS } from '../limits.ts';

/** The wait before the second attempt. */
export const RETRY_BASE_MS = 500;
/** The longest wait between two attempts, unless the provider asks for more. */
export const RETRY_MAX_WAIT_MS = 30_000;

/** A wait is lengthened by up to this part of it, never shortened: callers that failed together part. */
const JITTER = 0.25;

/**
 * Milliseconds before the next attempt, after `failures` of them. A provider that says when it wants to be
 * asked again is not asked sooner.
 */
export function retryWaitMs(
  settings: Retry,
  failures: number,
  retryAfterMs: number | undefined,
  random: () => number,
): number {
  const { backoff = 'exponential', baseMs = RETRY_BASE_MS } = settings;
  const factor =
    backoff === 'exponential' ? 2 ** (failures - 1) : backoff === 'linear' ? failures : 1;
  const own = Math.min(RETRY_MAX_WAIT_MS, baseMs * factor);
  const asked = Math.min(RETRY_AFTER_MAX_MS, Math.max(0, retryAfterMs ?? 0));
  return Math.max(own, asked) * (1 + JITTER * random());
}
