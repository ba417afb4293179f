/** How long to wait before a failed attempt is retried. */
import type { Retry } from '../cascade/cascade.ts';
import { RETRY_AFTER_MAX_MS } from '../limits.ts';

/** The wait before the second attempt. */
export const RETRY_BASE_MS = 500;
/** The longest wait between two attempts, before the random part is added, unless the provider asks for more. */
export const RETRY_MAX_WAIT_MS = 30_000;

/** A random part, of up to this fraction, is added to each wait, so that callers that failed together do not retry together. */
const JITTER = 0.25;

/**
 * Returns the milliseconds to wait after `failures` failed attempts. The wait is never shorter than the provider asks
 * for, up to RETRY_AFTER_MAX_MS.
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
