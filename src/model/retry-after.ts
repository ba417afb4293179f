/** When a provider wants to be asked again. */
import { RETRY_AFTER_MAX_MS } from '../limits.ts';

/** No provider means a longer wait than this: such a number is a mistake, as a negative one is. */
const RETRY_AFTER_MISTAKE_MS = 86_400_000;

/**
 * Milliseconds from a `Retry-After` header (seconds, or an HTTP date against `nowMs` since 1970), at most
 * 60 s. Undefined where it is absent, negative, past, more than a day ahead, or not one of the two.
 */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d{1,12}(\.\d+)?$/.test(text)) return cap(Number(text) * 1_000);
  if (!/^[A-Za-z]{3,9},? /.test(text) || text.length > 40) return undefined;
  return cap(Date.parse(text) - nowMs);
}

/** As above, from the `retry-after-ms` that some providers send in addition, which then counts. */
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
