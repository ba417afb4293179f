/** Makes the bodies of OpenAI's protocol as JSON text: answers, embeddings, models and errors. */
import type { ChatAnswer, ChatShape } from './answer.ts';
import { type EmbeddingCall, embed } from './embedding.ts';
import type { ContentFault } from './fault.ts';
import { spoilItems } from './spoil-answer.ts';
import type { CallTokens } from './tokens.ts';

/** A fixed creation time, so that equal calls have equal answers, byte for byte. */
const CREATED = 1_700_000_000;

const TOOL_CALLS = [
  { id: 'call_sim', type: 'function', function: { name: 'lookup', arguments: '{"query":"sim"}' } },
];

/** Makes the body of a chat answer. */
export function chatBody(
  contentHash: string,
  model: string,
  answer: ChatAnswer,
  tokens: CallTokens,
  shape: ChatShape = WHOLE,
): string {
  const { content, refusal, finish, reasoningTokens } = answer;
  const message = {
    role: 'assistant',
    content,
    refusal,
    ...(shape.toolCalls ? { tool_calls: TOOL_CALLS } : {}),
  };
  // The JSON is concatenated, because this runs for each call and is cheaper than serializing the whole body.
  const choice = `{"index":0,"message":${JSON.stringify(message)},"finish_reason":${JSON.stringify(finish)}}`;
  const usage = `,"usage":${usageText(tokens, reasoningTokens)}`;
  return (
    `{"id":"chatcmpl-${contentHash}","object":"chat.completion","created":${CREATED},` +
    `"model":${JSON.stringify(model)},"choices":[${shape.choices === 'none' ? '' : choice}]` +
    `${shape.usage ? usage : ''}}`
  );
}

/** The form of a chat body without faults. */
export const WHOLE: ChatShape = { choices: 'one', toolCalls: false, usage: true };

/** Makes the events of a streamed chat answer, as texts. */
export function chatEvents(
  contentHash: string,
  model: string,
  answer: ChatAnswer,
  tokens: CallTokens,
  { shape, piecesOf }: { shape: ChatShape; piecesOf: (text: string) => string[] },
): string[] {
  const { content, refusal, finish, reasoningTokens } = answer;
  const head =
    `"id":"chatcmpl-${contentHash}","object":"chat.completion.chunk","created":${CREATED},` +
    `"model":${JSON.stringify(model)}`;
  const chunk = (delta: object, reason: string | null): string =>
    `{${head},"choices":[{"index":0,"delta":${JSON.stringify(delta)},"finish_reason":${JSON.stringify(reason)}}]${shape.usage ? ',"usage":null' : ''}}`;
  const deltas = [
    { role: 'assistant', content: content === null ? null : '' },
    ...piecesOf(content ?? '').map((piece) => ({ content: piece })),
    ...piecesOf(refusal ?? '').map((piece) => ({ refusal: piece })),
    ...(shape.toolCalls ? [{ tool_calls: TOOL_CALLS.map((call) => ({ index: 0, ...call })) }] : []),
  ];
  const chunks = [...deltas.map((delta) => chunk(delta, null)), chunk({}, finish)];
  const usage = `{${head},"choices":[],"usage":${usageText(tokens, reasoningTokens)}}`;
  const events = [
    ...(shape.choices === 'none' ? [] : chunks),
    ...(shape.usage ? [usage] : []),
    '[DONE]',
  ];
  return events.map((data) => `data: ${data}\n\n`);
}

function usageText(tokens: CallTokens, reasoningTokens: number): string {
  const { tokensIn, tokensOut, tokensCached } = tokens;
  const cached =
    tokensCached === undefined ? '' : `"prompt_tokens_details":{"cached_tokens":${tokensCached}},`;
  return (
    `{"prompt_tokens":${tokensIn},"completion_tokens":${tokensOut},` +
    `"total_tokens":${tokensIn + tokensOut},${cached}` +
    `"completion_tokens_details":{"reasoning_tokens":${reasoningTokens}}}`
  );
}

/** Makes the body of an embeddings answer, with the vectors in the order of the texts. */
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

/** Makes the body of `GET /v1/models`. */
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

/** Makes the body of an error. */
export function errorBody(status: number, message: string, code: string | null = null): string {
  const type = ERROR_TYPES[status] ?? (status < 500 ? 'invalid_request_error' : 'server_error');
  return JSON.stringify({ error: { message, type, param: null, code } });
}
