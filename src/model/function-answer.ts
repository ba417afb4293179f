/** Checks the answer of the embedding program's model function by the same rules as a provider's answer. */
import {
  MESSAGE_VALUE_CHARS,
  MODEL_RESPONSE_MAX_BYTES,
  PROVIDER_MESSAGE_CHARS,
} from '../limits.ts';
import { type ChatOutcome, type ChatResponse, FUNCTION_ID } from './chat.ts';
import { finishOf } from './finish-reason.ts';
import { type CalledProvider, type FailedChat, failedChat } from './http-failure.ts';
import { member, oneLine } from './provider-error.ts';
import { usageOf } from './usage.ts';

/**
 * Reads a `ChatResponse` that may come from unchecked JavaScript. The outcome is plain data, so that it can be
 * sent between threads.
 */
export function readFunctionAnswer(model: string, value: unknown): ChatOutcome {
  const counts = member(value, 'usage');
  const usage = usageOf({
    input: member(counts, 'inputTokens'),
    output: member(counts, 'outputTokens'),
    reasoning: member(counts, 'reasoningTokens'),
    cached: member(counts, 'cachedTokens'),
    cacheWrite: member(counts, 'cacheWriteTokens'),
  });
  const more = usage === undefined ? {} : { usage };
  const asked = askedOf(model);
  const failed = (code: FailedChat['error']['code'], what: string): FailedChat =>
    failedChat(asked, code, what, more);

  const refusal = member(value, 'refusal');
  if (typeof refusal === 'string' && refusal.trim() !== '') {
    return failed('RVB_MODEL_REFUSED', `refused: ${oneLine(refusal, PROVIDER_MESSAGE_CHARS)}`);
  }
  const reason = member(value, 'finishReason');
  const finishReason = reason === 'other' ? reason : finishOf(reason);
  switch (finishReason) {
    case 'content_filter':
      return failed('RVB_MODEL_REFUSED', 'was stopped by its content filter');
    case 'length':
      return failed('RVB_MODEL_TRUNCATED', 'was cut off at its output limit');
    case 'tool_calls':
      return failed('RVB_ANSWER_INVALID', 'asked to call a tool; it was offered none');
    case 'broken':
    case 'unknown': {
      const word = oneLine(String(reason), MESSAGE_VALUE_CHARS);
      const what = `did not come to the end of its answer (finishReason ${word})`;
      return failed('RVB_ANSWER_INVALID', what);
    }
  }
  const text = member(value, 'text');
  if (typeof text !== 'string') {
    return failed('RVB_ANSWER_INVALID', 'gave no answer: it resolves to { text, finishReason }');
  }
  if (text.length > MODEL_RESPONSE_MAX_BYTES) {
    const what = `answered with more than ${MODEL_RESPONSE_MAX_BYTES} characters; ask for less`;
    return failed('RVB_MODEL_HTTP', what);
  }
  if (!text.isWellFormed()) {
    return failed('RVB_ANSWER_INVALID', 'gave half a character (a lone surrogate)');
  }
  const response: ChatResponse = { text, finishReason, ...more };
  return { ok: true, response };
}

/** Returns the outcome of a model function that reached its time limit, even if it ignored its abort signal. */
export function functionTimedOut(model: string, timeoutMs: number): ChatOutcome {
  const what = `gave no answer within ${Math.round(timeoutMs)} ms; raise timeout`;
  return failedChat(askedOf(model), 'RVB_TIMEOUT', what, { retryable: true });
}

function askedOf(model: string): CalledProvider {
  return { who: `the model function (${model})`, provider: FUNCTION_ID, clean: String };
}
