/** A chat completion's body as an outcome. What is not an answer that ended by itself is a failure. */
import { isUtf8 } from 'node:buffer';
import { ANSWER_MAX_DEPTH, MESSAGE_VALUE_CHARS, PROVIDER_MESSAGE_CHARS } from '../limits.ts';
import type { ChatOutcome, ChatResponse, Usage } from './chat.ts';
import { finishOf } from './finish-reason.ts';
import { type CalledProvider, type FailedChat, failedChat, statusFailure } from './http-failure.ts';
import { isDeeperThan } from './json-depth.ts';
import { member, oneLine, providerError } from './provider-error.ts';

type BodyText =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly problem: string };

/** The body as text: valid UTF-8 or nothing; one byte order mark is taken off. */
export function decodeBody(bytes: Uint8Array): BodyText {
  if (!isUtf8(bytes)) return { ok: false, problem: 'is not valid UTF-8' };
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  return { ok: true, text: text.charCodeAt(0) === 0xfeff ? text.slice(1) : text };
}

type BodyJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly problem: string };

/** The body as JSON of bounded depth. */
export function parseBody(text: string): BodyJson {
  if (text.trim() === '') return { ok: false, problem: 'is empty' };
  if (isDeeperThan(text, ANSWER_MAX_DEPTH)) {
    return { ok: false, problem: `is nested deeper than ${ANSWER_MAX_DEPTH}` };
  }
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch {
    return { ok: false, problem: 'is not JSON, or was cut off' };
  }
}

/** Reads the JSON of a 2xx response. `retryAfterMs` counts where it holds an error. */
export function readCompletion(
  asked: CalledProvider,
  body: unknown,
  status: number,
  retryAfterMs?: number,
): ChatOutcome {
  const usage = readUsage(member(body, 'usage'));
  const more = { status, ...(usage === undefined ? {} : { usage }) };
  const unusable = (what: string, retryable = false): FailedChat =>
    failedChat(asked, 'RVB_ANSWER_INVALID', what, { ...more, retryable });

  const choices = member(body, 'choices');
  const choice: unknown = Array.isArray(choices) ? choices[0] : undefined;
  const error = member(choice, 'error') ?? member(body, 'error');
  if (isError(error) || (choice === undefined && error !== undefined && error !== null)) {
    const said = providerError({ error }, asked.clean);
    const failure = statusFailure(asked, said.status ?? 502, said, retryAfterMs);
    // A gateway's error is what limits and keys go by; one that came amid an answer may have been billed.
    const isWhole = choice === undefined && said.status !== undefined;
    return { ...failure, ...more, ...(isWhole ? { status: said.status } : {}) };
  }
  if (choice === undefined || choice === null) return unusable('gave no answer: no choices', true);
  const reason = member(choice, 'finish_reason');
  const finish = finishOf(reason);
  const message = member(choice, 'message');
  const parts = readContent(member(message, 'content'));
  const refusals = [member(message, 'refusal'), parts.refusal];
  const refusal = refusals.find((said) => typeof said === 'string' && said.trim() !== '');
  if (typeof refusal === 'string') {
    const what = `refused: ${oneLine(asked.clean(refusal), PROVIDER_MESSAGE_CHARS)}`;
    return failedChat(asked, 'RVB_MODEL_REFUSED', what, more);
  }
  if (finish === 'content_filter') {
    const what = 'was stopped by its content filter; change the prompt or the model';
    return failedChat(asked, 'RVB_MODEL_REFUSED', what, more);
  }
  if (typeof message !== 'object' || message === null) {
    return unusable('gave no answer: a choice without a message', true);
  }
  if (finish === 'length') {
    const what = 'was cut off at its output limit; raise max_tokens or ask for less';
    return failedChat(asked, 'RVB_MODEL_TRUNCATED', what, more);
  }
  const calls = member(message, 'tool_calls');
  const isCall =
    finish === 'tool_calls' ||
    (Array.isArray(calls) && calls.length > 0) ||
    typeof (member(message, 'function_call') ?? undefined) === 'object';
  if (isCall) return unusable('asked to call a tool; it was offered none');
  if (finish === 'broken' || finish === 'unknown') {
    const word = oneLine(asked.clean(String(reason)), MESSAGE_VALUE_CHARS);
    const what = `did not come to the end of its answer (finish_reason ${word})`;
    return unusable(what, finish === 'broken');
  }
  if (parts.problem !== undefined) return unusable(parts.problem);
  if (!parts.text.isWellFormed()) return unusable('gave half a character (a lone surrogate)');
  const response: ChatResponse = {
    text: parts.text,
    finishReason: finish,
    ...(usage === undefined ? {} : { usage }),
  };
  return { ok: true, response, status };
}

/** What says that something went wrong, whatever stands beside it; servers without an error send `null`, `{}` or `''`. */
function isError(error: unknown): boolean {
  if (typeof error === 'object' && error !== null) return Object.keys(error).length > 0;
  return error === true || (typeof error === 'string' && error.trim() !== '');
}

interface Content {
  readonly text: string;
  readonly refusal?: string;
  readonly problem?: string;
}

/** Text, or a list of text parts; a model's thoughts are no part of its answer. */
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

/** Undefined where it was not counted; a server that counts nothing at all says 0 and 0. */
function readUsage(usage: unknown): Usage | undefined {
  const counts = usageOf(
    member(usage, 'prompt_tokens'),
    member(usage, 'completion_tokens'),
    member(member(usage, 'completion_tokens_details'), 'reasoning_tokens'),
  );
  return counts?.inputTokens === 0 && counts.outputTokens === 0 ? undefined : counts;
}

/** Token counts, where input and output are counts. */
export function usageOf(input: unknown, output: unknown, reasoning: unknown): Usage | undefined {
  const inputTokens = count(input);
  const outputTokens = count(output);
  if (inputTokens === undefined || outputTokens === undefined) return undefined;
  const reasoningTokens = count(reasoning);
  return {
    inputTokens,
    outputTokens,
    ...(reasoningTokens === undefined ? {} : { reasoningTokens }),
  };
}

function count(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined;
}
