/** Reads a chat completion's body as an outcome. Every answer that did not end normally is a failure. */
import type { ChatOutcome, ChatResponse, Usage } from '../chat.ts';
import { finishOf } from '../finish-reason.ts';
import { type CalledProvider, statusFailure } from '../http-failure.ts';
import { member, providerError } from '../provider-error.ts';
import { countOf, usageOf } from '../usage.ts';
import {
  cutOff,
  filtered,
  isError,
  notEnded,
  refusedBy,
  toolAsked,
  unusable,
} from './answer-failures.ts';
import type { SeenResponse } from './protocol.ts';

/** Reads the JSON of a 2xx response. */
export function readCompletion(
  asked: CalledProvider,
  body: unknown,
  { status, retryAfterMs }: SeenResponse,
): ChatOutcome {
  const usage = readUsage(member(body, 'usage'));
  const seen = { status, ...(usage === undefined ? {} : { usage }) };

  const choices = member(body, 'choices');
  const choice: unknown = Array.isArray(choices) ? choices[0] : undefined;
  const error = member(choice, 'error') ?? member(body, 'error');
  if (isError(error) || (choice === undefined && error !== undefined && error !== null)) {
    const said = providerError({ error }, asked.clean);
    const failure = statusFailure(asked, said.status ?? 502, said, retryAfterMs);
    // A gateway's error replaces the status, so that the limiter sees a 429. An error within an answer does not: the
    // provider may charge for that call.
    const isWhole = choice === undefined && said.status !== undefined;
    return { ...failure, ...seen, ...(isWhole ? { status: said.status } : {}) };
  }
  if (choice === undefined || choice === null) {
    return unusable(asked, 'gave no answer: no choices', seen, true);
  }
  const reason = member(choice, 'finish_reason');
  const finish = finishOf(reason);
  const message = member(choice, 'message');
  const parts = readContent(member(message, 'content'));
  const refusals = [member(message, 'refusal'), parts.refusal];
  const refusal = refusals.find((said) => typeof said === 'string' && said.trim() !== '');
  if (typeof refusal === 'string') return refusedBy(asked, refusal, seen);
  if (finish === 'content_filter') return filtered(asked, seen);
  if (typeof message !== 'object' || message === null) {
    return unusable(asked, 'gave no answer: a choice without a message', seen, true);
  }
  if (finish === 'length') return cutOff(asked, seen);
  const calls = member(message, 'tool_calls');
  const isCall =
    finish === 'tool_calls' ||
    (Array.isArray(calls) && calls.length > 0) ||
    typeof (member(message, 'function_call') ?? undefined) === 'object';
  if (isCall) return toolAsked(asked, seen);
  const early = notEnded(asked, finish, 'finish_reason', reason, seen);
  if (early !== undefined) return early;
  if (parts.problem !== undefined) return unusable(asked, parts.problem, seen);
  if (!parts.text.isWellFormed()) {
    return unusable(asked, 'gave half a character (a lone surrogate)', seen);
  }
  const response: ChatResponse = {
    text: parts.text,
    finishReason: finish as ChatResponse['finishReason'],
    ...(usage === undefined ? {} : { usage }),
  };
  return { ok: true, response, status };
}

interface Content {
  readonly text: string;
  readonly refusal?: string;
  readonly problem?: string;
}

/** Reads content that is a text or a list of text parts. A model's thoughts are left out. */
function readContent(content: unknown): Content {
  if (typeof content === 'string') return { text: content };
  if (!Array.isArray(content)) {
    return {
      text: '',
      problem: `gave no answer: its content is ${content === null ? 'null' : typeof content}`,
    };
  }
  let text = '';
  for (const part of content as readonly unknown[]) {
    const type = member(part, 'type');
    const said = member(part, 'text');
    if ((type === 'text' || type === 'output_text') && typeof said === 'string') text += said;
    else if (type === 'refusal') {
      const reason = member(part, 'refusal');
      const isGiven = typeof reason === 'string' && reason.trim() !== '';
      return { text: '', refusal: isGiven ? reason : 'it gives no reason' };
    } else if (type !== 'thinking' && type !== 'reasoning') {
      return { text: '', problem: 'gave an answer that holds more than text' };
    }
  }
  return { text };
}

/**
 * Reads token counts. Undefined if the server did not count; some servers then send 0 and 0. Cached tokens are part of
 * `prompt_tokens` (https://platform.openai.com/docs/guides/prompt-caching). DeepSeek has its own name for them
 * (https://api-docs.deepseek.com/guides/kv_cache). Reasoning is part of `completion_tokens`, except for Gemini and xAI.
 * They count it only in `total_tokens`, so the surplus of `total_tokens` is output, and is charged as output.
 */
function readUsage(usage: unknown): Usage | undefined {
  const input = countOf(member(usage, 'prompt_tokens'));
  const output = countOf(member(usage, 'completion_tokens'));
  const reasoning = countOf(member(member(usage, 'completion_tokens_details'), 'reasoning_tokens'));
  const details = member(usage, 'prompt_tokens_details');
  const total = countOf(member(usage, 'total_tokens')) ?? 0;
  const apart = Math.max(0, total - (input ?? 0) - (output ?? 0));
  const counts = usageOf({
    input,
    output: output === undefined ? undefined : output + apart,
    reasoning: reasoning ?? (apart > 0 ? apart : undefined),
    cached: member(details, 'cached_tokens') ?? member(usage, 'prompt_cache_hit_tokens'),
    cacheWrite: member(details, 'cache_write_tokens'),
  });
  return counts?.inputTokens === 0 && counts.outputTokens === 0 ? undefined : counts;
}
