/** Reads a message of Anthropic's protocol as an outcome: https://docs.anthropic.com/en/api/messages */
import type { Json } from '../../util/json.ts';
import type { ChatOutcome, ChatResponse, Usage } from '../chat.ts';
import { checkedJson } from '../checked-json.ts';
import { finishOf } from '../finish-reason.ts';
import { type CalledProvider, statusFailure } from '../http-failure.ts';
import { member, type ProviderError, providerError } from '../provider-error.ts';
import { countOf, usageOf } from '../usage.ts';
import { cutOff, filtered, isError, notEnded, toolAsked, unusable } from './answer-failures.ts';
import { ANSWER_TOOL } from './anthropic-body.ts';
import type { SeenResponse } from './protocol.ts';

/** The status of each error type, for errors in a response with status 200: https://docs.anthropic.com/en/api/errors */
const STATUSES: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  request_too_large: 413,
  rate_limit_error: 429,
  api_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
};

/** Reads `{ type: 'error', error: { type, message } }`. */
export function messageError(body: unknown, clean: (text: string) => string): ProviderError {
  const said = providerError(body, clean);
  const type = member(member(body, 'error'), 'type');
  const status = typeof type === 'string' ? STATUSES[type] : undefined;
  return status === undefined ? said : { ...said, status };
}

/** Reads the JSON of a 2xx response. If the model called the answer tool, the tool's input as JSON is the answer. */
export function readMessage(
  asked: CalledProvider,
  body: unknown,
  { status, retryAfterMs }: SeenResponse,
): ChatOutcome {
  const usage = readUsage(member(body, 'usage'));
  const seen = { status, ...(usage === undefined ? {} : { usage }) };
  const content = member(body, 'content');
  if (member(body, 'type') === 'error' || isError(member(body, 'error'))) {
    const said = messageError(body, asked.clean);
    const failure = statusFailure(asked, said.status ?? 502, said, retryAfterMs);
    // An error within an answer keeps the status 200: the provider may charge for that call.
    const isWhole = content === undefined && said.status !== undefined;
    return { ...failure, ...seen, ...(isWhole ? { status: said.status } : {}) };
  }
  if (!Array.isArray(content)) return unusable(asked, 'gave no answer: no content', seen, true);
  const reason = member(body, 'stop_reason');
  const finish = finishOf(reason);
  const parts = readBlocks(content);
  if (finish === 'content_filter') return filtered(asked, seen);
  if (finish === 'length') return cutOff(asked, seen);
  const isPaused = finish === 'tool_calls' && parts.answer === undefined;
  if (parts.callsTool || isPaused) return toolAsked(asked, seen);
  const early = notEnded(asked, finish, 'stop_reason', reason, seen);
  if (early !== undefined) return early;
  if (parts.problem !== undefined) return unusable(asked, parts.problem, seen);
  const problem = parts.answer === undefined ? undefined : checkedJson(parts.answer);
  if (problem !== undefined) {
    return unusable(asked, `gave an answer that cannot be used: ${problem}`, seen);
  }
  const text = parts.answer === undefined ? parts.text : JSON.stringify(parts.answer);
  if (!text.isWellFormed()) {
    return unusable(asked, 'gave half a character (a lone surrogate)', seen);
  }
  const finishReason = finish === 'tool_calls' ? 'stop' : (finish as ChatResponse['finishReason']);
  const response = { text, finishReason, ...(usage === undefined ? {} : { usage }) };
  return { ok: true, response, status };
}

interface Blocks {
  readonly text: string;
  /** The input of the answer tool. */
  readonly answer?: Json;
  readonly callsTool: boolean;
  readonly problem?: string;
}

/** Reads the blocks of a message. A model's thoughts are left out. */
function readBlocks(content: readonly unknown[]): Blocks {
  let text = '';
  let answer: Json | undefined;
  let callsTool = false;
  let problem: string | undefined;
  for (const block of content) {
    const type = member(block, 'type');
    const said = member(block, 'text');
    if (type === 'text' && typeof said === 'string') text += said;
    else if (type === 'tool_use') {
      const input = member(block, 'input');
      const isAnswer = member(block, 'name') === ANSWER_TOOL && answer === undefined;
      if (!isAnswer) callsTool = true;
      else if (typeof input === 'object' && input !== null) answer = input as Json;
      else problem = 'gave an answer that is no JSON object, or was cut off';
    } else if (type !== 'thinking' && type !== 'redacted_thinking') {
      problem = 'gave an answer that holds more than text';
    }
  }
  return {
    text,
    ...(answer === undefined ? {} : { answer }),
    callsTool,
    ...(problem === undefined ? {} : { problem }),
  };
}

/** Reads token counts; undefined if they are 0 and 0. `input_tokens` does not include the tokens of the cache. */
function readUsage(usage: unknown): Usage | undefined {
  const fresh = countOf(member(usage, 'input_tokens'));
  const cached = countOf(member(usage, 'cache_read_input_tokens')) ?? 0;
  const cacheWrite = countOf(member(usage, 'cache_creation_input_tokens')) ?? 0;
  const counts = usageOf({
    input: fresh === undefined ? undefined : fresh + cached + cacheWrite,
    output: member(usage, 'output_tokens'),
    cached,
    cacheWrite,
  });
  return counts?.inputTokens === 0 && counts.outputTokens === 0 ? undefined : counts;
}
