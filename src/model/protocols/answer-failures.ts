/** Failures of answers that came, in the words that all protocols share. */
import { MESSAGE_VALUE_CHARS, PROVIDER_MESSAGE_CHARS } from '../../limits.ts';
import type { Usage } from '../chat.ts';
import type { Finish } from '../finish-reason.ts';
import { type CalledProvider, type FailedChat, failedChat } from '../http-failure.ts';
import { oneLine } from '../provider-error.ts';

/** What is kept with a failure. */
export interface SeenAnswer {
  readonly status: number;
  readonly usage?: Usage;
}

/** An answer that is none, or none that can be used. */
export function unusable(
  asked: CalledProvider,
  what: string,
  seen: SeenAnswer,
  retryable = false,
): FailedChat {
  return failedChat(asked, 'RVB_ANSWER_INVALID', what, { ...seen, retryable });
}

/** The model said why it does not answer. */
export function refusedBy(asked: CalledProvider, said: string, seen: SeenAnswer): FailedChat {
  const what = `refused: ${oneLine(asked.clean(said), PROVIDER_MESSAGE_CHARS)}`;
  return failedChat(asked, 'RVB_MODEL_REFUSED', what, seen);
}

export function filtered(asked: CalledProvider, seen: SeenAnswer): FailedChat {
  const what = 'was stopped by its content filter; change the prompt or the model';
  return failedChat(asked, 'RVB_MODEL_REFUSED', what, seen);
}

export function cutOff(asked: CalledProvider, seen: SeenAnswer): FailedChat {
  const what = 'was cut off at its output limit; raise max_tokens or ask for less';
  return failedChat(asked, 'RVB_MODEL_TRUNCATED', what, seen);
}

export function toolAsked(asked: CalledProvider, seen: SeenAnswer): FailedChat {
  return unusable(asked, 'asked to call a tool; it was offered none', seen);
}

/** `field` is the protocol's name of `reason`. Undefined where the answer came to its end. */
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

/** True for what says that something went wrong; servers without an error send `null`, `{}` or `''`. */
export function isError(error: unknown): boolean {
  if (typeof error === 'object' && error !== null) return Object.keys(error).length > 0;
  return error === true || (typeof error === 'string' && error.trim() !== '');
}
