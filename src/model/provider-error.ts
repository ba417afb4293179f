/** Reads the body of a provider's error, in the shapes that OpenAI-compatible servers use. */
import { PROVIDER_MESSAGE_CHARS } from '../limits.ts';
import { retryAfterMs } from './retry-after.ts';

/** The words for a prompt beyond the model's context. */
export const PROMPT_TOO_LONG = 'the prompt is too long for this model';

/** An error as the provider describes it. Each part except `kind` may be missing. */
export interface ProviderError {
  /** One line of at most PROVIDER_MESSAGE_CHARS characters, without control characters. */
  readonly message?: string;
  /** An HTTP status inside the body. Gateways send it with status 200. */
  readonly status?: number;
  /** The wait in Gemini's body, since Gemini sends no Retry-After header. At most RETRY_AFTER_MAX_MS. */
  readonly retryAfterMs?: number;
  readonly kind: 'content_policy' | 'context_length' | 'quota' | 'other';
}

const POLICY =
  /content_policy|content_filter|content filtering policy|ResponsibleAIPolicyViolation|content management policy|flagged by .*moderation|moderation_blocked|usage polic/i;
const CONTEXT =
  /context_length_exceeded|context[ _]?(length|window|size)|maximum context|prompt is too long|too many tokens|exceeds? the (model'?s )?max/i;
const QUOTA = /insufficient_quota|billing_hard_limit|credit balance is too low/i;

/**
 * Reads `{ error: { message, code, type } }`, `{ error: 'text' }`, `{ message }` or `{ detail }`. `clean` removes
 * secrets from the message.
 */
export function providerError(body: unknown, clean: (text: string) => string): ProviderError {
  // Gemini wraps an error in a list.
  if (Array.isArray(body) && body.length === 1) return providerError(body[0], clean);
  const error = member(body, 'error') ?? body;
  const text =
    textOf(error) ??
    textOf(member(error, 'message')) ??
    textOf(member(body, 'message')) ??
    textOf(member(body, 'detail')) ??
    textOf(member(member(error, 'metadata'), 'raw'));
  const code = member(error, 'code');
  const status = typeof code === 'string' && /^\d{3}$/.test(code) ? Number(code) : code;
  const inner = member(error, 'innererror') ?? member(error, 'inner_error');
  const signs = [code, member(error, 'type'), member(inner, 'code'), text]
    .filter((part) => typeof part === 'string')
    .join(' ');
  const isModerated = Array.isArray(member(member(error, 'metadata'), 'reasons'));
  const delayMs = retryDelayMs(member(error, 'details'));
  return {
    ...(text === undefined ? {} : { message: oneLine(clean(text), PROVIDER_MESSAGE_CHARS) }),
    ...(typeof status === 'number' && status >= 400 && status < 600 ? { status } : {}),
    ...(delayMs === undefined ? {} : { retryAfterMs: delayMs }),
    kind:
      isModerated || POLICY.test(signs)
        ? 'content_policy'
        : CONTEXT.test(signs)
          ? 'context_length'
          : QUOTA.test(signs)
            ? 'quota'
            : 'other',
  };
}

/**
 * Reads the delay of a `google.rpc.RetryInfo`, in seconds such as `45.837906927s`.
 * https://cloud.google.com/apis/design/errors
 */
function retryDelayMs(details: unknown): number | undefined {
  if (!Array.isArray(details)) return undefined;
  for (const detail of details) {
    const delay = member(detail, 'retryDelay');
    const seconds =
      typeof delay === 'string' ? /^(\d{1,9}(?:\.\d{1,9})?)s$/.exec(delay)?.[1] : undefined;
    if (seconds !== undefined) return retryAfterMs(seconds, 0);
  }
  return undefined;
}

/** Returns a text as one line of at most `maxChars` without control characters, so that it cannot forge a log line. */
export function oneLine(text: string, maxChars: number): string {
  const line = text
    .slice(0, maxChars * 4)
    .replace(
      /[\u0000-\u0020\u007f-\u00a0\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g,
      ' ',
    )
    .trim();
  return (line.length <= maxChars ? line : `${line.slice(0, maxChars - 1)}…`).toWellFormed();
}

/** Returns an own property of an object; undefined if `value` is not an object or has no such property. */
export function member(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name];
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value : undefined;
}
