/** Reads the provider's rate limits from the headers of a response. */
import type { RateLimitState, RateLimits } from './chat.ts';

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** The header names of one rate limit. */
interface Names {
  readonly limit: string;
  readonly remaining: string;
  readonly reset: string;
}

/** Header patterns of the request limit; `*` is limit, remaining or reset. The first pattern with a value counts. */
const REQUESTS = ['x-ratelimit-*-requests', 'anthropic-ratelimit-requests-*', 'x-ratelimit-*'].map(
  namesOf,
);
/** Header patterns of the token limit, in the same form. */
const TOKENS = [
  'x-ratelimit-*-tokens',
  'anthropic-ratelimit-input-tokens-*',
  'anthropic-ratelimit-tokens-*',
].map(namesOf);

/** Builds a pattern's names once, since every response is searched for each of them. */
function namesOf(pattern: string): Names {
  const [limit, remaining, reset] = ['limit', 'remaining', 'reset'].map((what) =>
    pattern.replace('*', what),
  );
  return { limit: limit!, remaining: remaining!, reset: reset! };
}

/** Returns the rate limits; undefined if no header holds a readable limit. `nowMs` counts from 1970. */
export function rateLimitsOf(headers: Headers, nowMs: number): RateLimits | undefined {
  const requests = firstState(headers, REQUESTS, nowMs);
  const tokens = firstState(headers, TOKENS, nowMs);
  if (requests === undefined && tokens === undefined) return undefined;
  return {
    ...(requests === undefined ? {} : { requests }),
    ...(tokens === undefined ? {} : { tokens }),
  };
}

/**
 * Reads a reset as milliseconds from now. The text is a duration (`250ms`, `1s`, `6m0s`, `1h2m3.5s`), a number of
 * seconds, a time in seconds or milliseconds since 1970, or an ISO date. Undefined for any other text.
 */
export function resetMs(text: string | undefined, nowMs: number): number | undefined {
  const value = text?.trim() ?? '';
  if (value === '' || value.length > 40) return undefined;
  if (/^\d+(\.\d+)?$/.test(value)) return ofNumber(Number(value), nowMs);
  if (/^\d{4}-\d\d-\d\dT/.test(value)) return notPast(Date.parse(value) - nowMs);
  const match = UNITS.exec(value);
  if (match === null) return undefined;
  const [, days, hours, minutes, seconds, ms] = match;
  return Math.ceil(
    Number(days ?? 0) * 86_400_000 +
      Number(hours ?? 0) * 3_600_000 +
      Number(minutes ?? 0) * 60_000 +
      Number(seconds ?? 0) * 1_000 +
      Number(ms ?? 0),
  );
}

const AMOUNT = String.raw`(\d{1,9}(?:\.\d+)?)`;
const UNITS = new RegExp(
  `^(?:${AMOUNT}d)?(?:${AMOUNT}h)?(?:${AMOUNT}m(?!s))?(?:${AMOUNT}s)?(?:${AMOUNT}ms)?$`,
);

/** Reads a number: below 1e9 seconds to wait, below 1e11 seconds since 1970, else milliseconds since 1970. */
function ofNumber(value: number, nowMs: number): number | undefined {
  if (value >= 1e14) return undefined;
  if (value >= 1e11) return notPast(value - nowMs);
  return value >= 1e9 ? notPast(value * 1_000 - nowMs) : Math.ceil(value * 1_000);
}

/** Rounds up a wait; a negative wait is 0. Undefined for the NaN of an invalid date. */
function notPast(ms: number): number | undefined {
  return Number.isNaN(ms) ? undefined : Math.max(0, Math.ceil(ms));
}

function firstState(
  headers: Headers,
  all: readonly Names[],
  nowMs: number,
): RateLimitState | undefined {
  for (const names of all) {
    const limit = count(first(headers[names.limit]));
    const remaining = count(first(headers[names.remaining]));
    if (limit === undefined && remaining === undefined) continue;
    const reset = resetMs(first(headers[names.reset]), nowMs);
    return {
      ...(limit === undefined ? {} : { limit }),
      ...(remaining === undefined ? {} : { remaining }),
      ...(reset === undefined ? {} : { resetMs: reset }),
    };
  }
  return undefined;
}

function count(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = text.trim();
  return /^\d{1,15}$/.test(value) ? Number(value) : undefined;
}

function first(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0];
}
