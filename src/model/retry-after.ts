/** Reads how long a provider wants callers to wait before the next call. */
import { RETRY_AFTER_MAX_MS } from '../limits.ts';

/** A longer wait than this is a provider's mistake, like a negative wait. */
const RETRY_AFTER_MISTAKE_MS = 86_400_000;

/**
 * Reads a `Retry-After` header as milliseconds to wait, at most 60,000. The header is a number of seconds or an HTTP
 * date. `nowMs` counts from 1970. Undefined if the header is absent, negative, past, more than a day ahead or invalid.
 */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d{1,12}(\.\d+)?$/.test(text)) return cap(Number(text) * 1_000);
  if (!/^[A-Za-z]{3,9},? /.test(text) || text.length > 40) return undefined;
  return cap(Date.parse(text) - nowMs);
}

/** Reads the milliseconds to wait from `retry-after-ms`, which some providers send too, else from `retry-after`. */
export function retryAfterOf(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  nowMs: number,
): number | undefined {
  const exact = first(headers['retry-after-ms'])?.trim() ?? '';
  if (/^\d{1,12}(\.\d+)?$/.test(exact)) return cap(Number(exact));
  return retryAfterMs(first(headers['retry-after']), nowMs);
}

function cap(ms: number): number | undefined {
  if (!(ms >= 0 && ms <= RETRY_AFTER_MISTAKE_MS)) return undefined;
  return Math.min(RETRY_AFTER_MAX_MS, Math.ceil(ms));
}

function first(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0];
}
