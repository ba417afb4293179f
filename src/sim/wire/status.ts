/** The bodies of error statuses, and the header Retry-After. */
import type { WireAnswer } from '../exchange.ts';
import type { RetryAfter, StatusFault } from '../fault.ts';

/** The message and code that OpenAI and similar providers send with each status. */
const STATUSES: Readonly<Record<number, readonly [message: string, code: string | null]>> = {
  400: ['The request is not valid.', null],
  401: ['Incorrect API key provided.', 'invalid_api_key'],
  403: ['You are not allowed to use this model.', 'permission_denied'],
  404: ['The model does not exist.', 'model_not_found'],
  413: ['The request is too large.', 'request_too_large'],
  429: ['Rate limit reached.', 'rate_limit_exceeded'],
  500: ['The server had an error while processing your request.', null],
  502: ['Bad gateway.', null],
  503: ['The server is overloaded or not ready yet.', null],
  504: ['Gateway timeout.', null],
  529: ['The server is overloaded.', 'overloaded'],
};

/** Makes the body of an error status. */
export function statusBody(
  { status, message, code }: StatusFault,
  { errorBody }: Pick<WireAnswer, 'errorBody'>,
): string {
  const [usual, usualCode] = STATUSES[status] ?? [`Status ${status}.`, null];
  return errorBody(status, message ?? usual, code ?? usualCode);
}

/** Returns the header's name and value, or an empty list. */
export function retryAfterHeader(retryAfter: RetryAfter | undefined): string[] {
  if (retryAfter === undefined) return [];
  const value =
    typeof retryAfter === 'object'
      ? new Date(Date.now() + retryAfter.dateInSeconds * 1000).toUTCString()
      : String(retryAfter);
  return ['Retry-After', value];
}
