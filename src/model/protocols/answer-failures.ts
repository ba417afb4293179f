/** Failures of answers that arrived and cannot be used. All protocols share these messages. */
import { MESSAGE_VALUE_CHARS, PROVIDER_MESSAGE_CHARS } from '../../limits.ts';
import type { Usage } from '../chat.ts';
import type { Finish } from '../finish-reason.ts';
import { type CalledProvider, type FailedChat, failedChat } from '../http-failure.ts';
import { oneLine } from '../provider-error.ts';

/** The parts of a response that are kept with its failure. */
export interface SeenAnswer {
  readonly status: number;
  readonly usage?: Usage;
}

/** Returns the failure of a missing or unusable answer. */
export function unusable(
  asked: CalledProvider,
  what: string,
  seen: SeenAnswer,
  retryable = false,
): FailedChat {
  return failedChat(asked, 'RVB_ANSWER_INVALID', what, { ...seen, retryable });
}

/** Returns the failure of an answer in which the model refuses. `said` is its text. */
export function refusedBy(asked: CalledProvider, said: string, seen: SeenAnswer): FailedChat {
  const what = `refused: ${oneLine(asked.clean(said), PROVIDER_MESSAGE_CHARS)}`;
  return failedChat(asked, 'RVB_MODEL_REFUSED', what, seen);
}

/** Returns the failure of an answer that the provider's content filter stopped. */
export function filtered(asked: CalledProvider, seen: SeenAnswer): FailedChat {
  const what = 'was stopped by its content filter; change the prompt or the model';
  return failedChat(asked, 'RVB_MODEL_REFUSED', what, seen);
}

/** Returns the failure of an answer that reached its output limit. */
export function cutOff(asked: CalledProvider, seen: SeenAnswer): FailedChat {
  const what = 'was cut off at its output limit; raise max_tokens or ask for less';
  return failedChat(asked, 'RVB_MODEL_TRUNCATED', what, seen);
}

/** Returns the failure of an answer that calls a tool which the request did not offer. */
export function toolAsked(asked: CalledProvider, seen: SeenAnswer): FailedChat {
  return unusable(asked, 'asked to call a tool; it was offered none', seen);
}

/** Returns the failure of an incomplete answer, else undefined. `field` is the protocol's name of `reason`. */
export function notEnded(
  asked: CalledProvider,
  finish: Finish,
  field: string,
  reason: unknown,
  seen: SeenAnswer,
): FailedChat | undefined {
  if (finish !== 'broken' && finish !== 'unknown') return undefined;
  const word = oneLine(asked.clean(String(reason)), MESSAGE_VALUE_CHARS);
  const what = `did not come to the end of its answer (${field} ${word})`;
  return unusable(asked, what, seen, finish === 'broken');
}

/** True if the value describes an error. Some servers send `null`, `{}` or `''` when there is no error. */
export function isError(error: unknown): boolean {
  if (typeof error === 'object' && error !== null) return Object.keys(error).length > 0;
  return error === true || (typeof error === 'string' && error.trim() !== '');
}
