/** Turns statuses and connection errors into outcomes that say what happened, to which model, and what to do. */

import type { ErrorCode } from '../error-codes.ts';
import { closedError, type Failure, messageOf } from '../errors.ts';
import { MODEL_RESPONSE_MAX_BYTES, PROVIDER_MESSAGE_CHARS } from '../limits.ts';
import type { ChatOutcome } from './chat.ts';
import { PRIVATE_ADDRESS } from './guarded-lookup.ts';
import { oneLine, PROMPT_TOO_LONG, type ProviderError } from './provider-error.ts';
import { PROXY_BROKE_OFF, PROXY_REFUSED, ProxyRefusedError } from './tunnel.ts';

/** The outcome of a call that failed. */
export type FailedChat = Extract<ChatOutcome, { readonly ok: false }>;

/** Names the called provider and model in messages. */
export interface CalledProvider {
  /** Provider, model and host, e.g. `openai/gpt-4o-mini at api.openai.com`. */
  readonly who: string;
  readonly provider: string;
  /** The call goes through a proxy. */
  readonly isProxied?: true;
  /** Removes the provider's secrets from a text. A text is cut only afterwards, so that no part of a secret is left. */
  clean(text: string): string;
}

/** Returns the outcome of a failed call: not retryable, unless `more` says so. Removes secrets from the message. */
export function failedChat(
  asked: CalledProvider,
  code: ErrorCode,
  what: string,
  more: Partial<Omit<FailedChat, 'ok' | 'error'>> = {},
): FailedChat {
  return {
    ok: false,
    error: { code, message: asked.clean(`${asked.who} ${what}`) },
    retryable: false,
    ...more,
  };
}

/** Returns the outcome of a call that was cancelled with its statement or ended by the engine's close. */
export function endedChat(asked: CalledProvider, { code, message }: Failure): FailedChat {
  return failedChat(asked, code, `was not asked to the end: ${message}`);
}

/** Returns the outcome of a status other than 2xx, or of an error that a gateway sent with status 200. */
export function statusFailure(
  asked: CalledProvider,
  status: number,
  said: ProviderError,
  retryAfterMs?: number,
): FailedChat {
  const words = said.message === undefined ? '' : `: ${said.message}`;
  if (said.kind === 'content_policy' && status >= 400 && status < 500) {
    const what = `declined for its content policy (${status})${words}; change the prompt or the model`;
    return failedChat(asked, 'RVB_MODEL_REFUSED', what, { status });
  }
  const retryable = isRetryable(status) && said.kind !== 'quota';
  const waitMs = retryAfterMs ?? said.retryAfterMs;
  const what = `answered ${status}${words}; ${adviceFor(status, said, asked.provider)}`;
  return failedChat(asked, 'RVB_MODEL_HTTP', what, {
    status,
    retryable,
    ...(retryable && waitMs !== undefined ? { retryAfterMs: waitMs } : {}),
  });
}

/** True if the same request may succeed later. */
function isRetryable(status: number): boolean {
  return status === 408 || status === 409 || status === 425 || status === 429 || status >= 500;
}

function adviceFor(status: number, said: ProviderError, provider: string): string {
  if (said.kind === 'context_length') {
    return `${PROMPT_TOO_LONG}: shorten it, or take a model with a larger context`;
  }
  if (said.kind === 'quota' || status === 402) return `check the account of provider ${provider}`;
  if (status < 400) return `redirects are not followed: correct the base URL of ${provider}`;
  switch (status) {
    case 401:
      return `check the API key of provider ${provider}`;
    case 403:
      return `check that the API key of ${provider} may use this model`;
    case 404:
      return `check the model's name and the base URL of ${provider}`;
    case 407:
      return `check the proxy of provider ${provider} and its proxy_key_env`;
    case 413:
      return 'shorten the prompt';
    case 429:
      return `lower PARALLEL or the limits of provider ${provider}`;
    default:
      return isRetryable(status)
        ? 'try again later'
        : "check the model's name and the cell's parameters";
  }
}

/** Codes of certificate errors. A retry does not help with them. */
const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|HOSTNAME_MISMATCH/;

/** Codes of a connection that was there and ended without an answer, or with one that is not HTTP. */
const BROKE_OFF = /^(UND_ERR_SOCKET|ECONNRESET|EPIPE|HPE_)/;

/** Returns the outcome of a connection error. `status` is undefined if not even the response's headers came. */
export function connectionFailure(
  asked: CalledProvider,
  thrown: unknown,
  status: number | undefined,
): FailedChat {
  const code = codeOf(thrown);
  const detail = oneLine(asked.clean(messageOf(thrown, 10_000)), PROVIDER_MESSAGE_CHARS);
  const more = status === undefined ? {} : { status };
  switch (code) {
    case 'UND_ERR_DESTROYED':
    case 'UND_ERR_CLOSED':
      return { ...endedChat(asked, closedError()), ...more };
    case 'EMFILE':
    case 'ENFILE': {
      const whose = code === 'EMFILE' ? 'this process' : 'the system';
      const what = `could not be asked: ${whose} has no file descriptor left for a connection (${code}); lower PARALLEL, or raise the limit of open files (ulimit -n)`;
      return failedChat(asked, 'RVB_MODEL_HTTP', what, { ...more, retryable: true });
    }
    case 'UND_ERR_RES_EXCEEDED_MAX_SIZE':
      return tooLarge(asked, status);
    case 'UND_ERR_INVALID_ARG':
      return failedChat(
        asked,
        'RVB_MODEL_HTTP',
        `could not be asked: ${detail}; check its base URL, key and headers`,
        more,
      );
    case PRIVATE_ADDRESS:
      return failedChat(
        asked,
        'RVB_MODEL_HTTP',
        `was not asked: ${detail}; if that is meant, set allow_private: true for ${asked.provider}`,
      );
    case PROXY_BROKE_OFF:
    case PROXY_REFUSED: {
      const proxyStatus = thrown instanceof ProxyRefusedError ? thrown.status : 502;
      return failedChat(
        asked,
        'RVB_MODEL_HTTP',
        `was not asked: ${detail}; check the proxy of provider ${asked.provider} and its proxy_key_env`,
        { retryable: isRetryable(proxyStatus) },
      );
    }
  }
  if (CERTIFICATE.test(code) || CERTIFICATE.test(causeCode(thrown))) {
    const what = `was not asked: its certificate is not trusted (${code}: ${detail})`;
    return failedChat(asked, 'RVB_MODEL_HTTP', what, more);
  }
  const named = code === '' ? detail : `${code}: ${detail}`;
  const what =
    status === undefined
      ? `could not be reached or broke off (${named}); ${reachAdvice(asked)}`
      : `broke off in its answer (${named})`;
  const broke = BROKE_OFF.test(code) ? ({ brokeOff: true } as const) : {};
  return failedChat(asked, 'RVB_MODEL_HTTP', what, { ...more, ...broke, retryable: true });
}

function reachAdvice({ provider, isProxied }: CalledProvider): string {
  return isProxied === true
    ? `check the proxy and the base URL of ${provider}, and that both are up`
    : `check the base URL of ${provider} and that it is up`;
}

/** Returns the outcome of a response that is larger than MODEL_RESPONSE_MAX_BYTES. */
export function tooLarge(asked: CalledProvider, status: number | undefined): FailedChat {
  const what = `answered with more than ${MODEL_RESPONSE_MAX_BYTES} bytes; ask for less, or lower max_tokens`;
  return failedChat(asked, 'RVB_MODEL_HTTP', what, status === undefined ? {} : { status });
}

function codeOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return '';
  const { code } = thrown as NodeJS.ErrnoException;
  if (typeof code === 'string') return code;
  // If a name has several addresses and none can be reached, Node throws one AggregateError.
  return thrown instanceof AggregateError ? codeOf(thrown.errors[0]) : '';
}

function causeCode(thrown: unknown): string {
  return thrown instanceof Error ? codeOf(thrown.cause) : '';
}
