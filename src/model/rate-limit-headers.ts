/** What the headers of a response say of the provider's rate limits. */
import type { RateLimitState, RateLimits } from './chat.ts';

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** The headers of one limit. */
interface Names {
  readonly limit: string;
  readonly remaining: string;
  readonly reset: string;
}

/** Headers of requests and of tokens, by provider; `*` is limit, remaining or reset. The first with a value counts. */
const REQUESTS = ['x-ratelimit-*-requests', 'anthropic-ratelimit-requests-*', 'x-ratelimit-*'].map(
  namesOf,
);
const TOKENS = [
  'x-ratelimit-*-tokens',
  'anthropic-ratelimit-input-tokens-*',
  'anthropic-ratelimit-tokens-*',
].map(namesOf);

/** Put together once: every response is searched for each of them. */
function namesOf(pattern: string): Names {
  const [limit, remaining, reset] = ['limit', 'remaining', 'reset'].map((what) =>
    pattern.replace('*', what),
  );
  return { limit: limit!, remaining: remaining!, reset: reset! };
}

/** Undefined where there are none, or none that can be read. `nowMs`: since 1970. */
export function rateLimitsOf(headers: Headers, nowMs: number): RateLimits | undefined {
  const requests = firstState(headers, REQUESTS, nowMs);
  const tokens = firstState(headers, TOKENS, nowMs);
  if (requests === undefined && tokens === undefined) return undefined;
  return {
    ...(requests === undefined ? {} : { requests }),
    ...(tokens === undefined ? {} : { tokens }),
  };
}

/** Milliseconds of a reset: `250ms`, `1s`, `6m0s`, `1h2m3.5s`, seconds, seconds or milliseconds since 1970, or an ISO date. */
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

/** A number too large for a wait is a date. */
function ofNumber(value: number, nowMs: number): number | undefined {
  if (value >= 1e14) return undefined;
  if (value >= 1e11) return notPast(value - nowMs);
  return value >= 1e9 ? notPast(value * 1_000 - nowMs) : Math.ceil(value * 1_000);
}

/** A reset that was due before the response is due now; a date that is none is nothing. */
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
