/** The protocol's bodies: answers, embeddings, models and errors, as JSON text. */
import type { ChatAnswer, ChatShape } from './answer.ts';
import { type EmbeddingCall, embed } from './embedding.ts';
import type { ContentFault } from './fault.ts';
import { spoilItems } from './spoil-answer.ts';

/** A fixed moment, so that equal calls have equal answers, byte for byte. */
const CREATED = 1_700_000_000;

const TOOL_CALLS = [
  { id: 'call_sim', type: 'function', function: { name: 'lookup', arguments: '{"query":"sim"}' } },
];

/** The body of a chat answer. */
export function chatBody(
  contentHash: string,
  model: string,
  answer: ChatAnswer,
  tokensIn: number,
  shape: ChatShape = { choices: 'one', toolCalls: false, usage: true },
): string {
  const { content, refusal, finish, reasoningTokens, tokensOut } = answer;
  const message = {
    role: 'assistant',
    content,
    refusal,
    ...(shape.toolCalls ? { tool_calls: TOOL_CALLS } : {}),
  };
  // Written out: this runs once a call, and is cheaper than serializing the whole.
  const choice = `{"index":0,"message":${JSON.stringify(message)},"finish_reason":${JSON.stringify(finish)}}`;
  const usage =
    `,"usage":{"prompt_tokens":${tokensIn},"completion_tokens":${tokensOut},` +
    `"total_tokens":${tokensIn + tokensOut},` +
    `"completion_tokens_details":{"reasoning_tokens":${reasoningTokens}}}`;
  return (
    `{"id":"chatcmpl-${contentHash}","object":"chat.completion","created":${CREATED},` +
    `"model":${JSON.stringify(model)},"choices":[${shape.choices === 'none' ? '' : choice}]` +
    `${shape.usage ? usage : ''}}`
  );
}

/** The body of an embeddings answer: the vectors in the order of the texts. */
export function embeddingsBody(
  model: string,
  call: EmbeddingCall,
  tokensIn: number,
  fault?: ContentFault['what'],
): string {
  const vectors = call.inputs.map((text, index) => {
    const vector = embed(text, call.dimensions);
    const bytes = Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
    const embedding = call.format === 'base64' ? bytes.toString('base64') : [...vector];
    return { object: 'embedding', index, embedding };
  });
  const data = fault === undefined ? vectors : spoilItems(vectors, fault);
  const usage = { prompt_tokens: tokensIn, total_tokens: tokensIn };
  return JSON.stringify({ object: 'list', data, model, usage });
}

/** The body of `GET /v1/models`. */
export function modelsBody(models: readonly string[]): string {
  const data = models.map((id) => ({ id, object: 'model', created: CREATED, owned_by: 'rvbbit' }));
  return JSON.stringify({ object: 'list', data });
}

const ERROR_TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  403: 'permission_error',
  429: 'rate_limit_error',
  529: 'overloaded_error',
};

/** The body of an error. */
export function errorBody(status: number, message: string, code: string | null = null): string {
  const type = ERROR_TYPES[status] ?? (status < 500 ? 'invalid_request_error' : 'server_error');
  return JSON.stringify({ error: { message, type, param: null, code } });
}
