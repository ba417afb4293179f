/** Makes the bodies of Anthropic's protocol as JSON text: messages, whole or as a stream, and errors. */
import type { ChatAnswer, ChatShape } from './answer.ts';
import type { CallTokens } from './tokens.ts';

/** The parts of a message. */
export interface MessageParts {
  readonly contentHash: string;
  readonly model: string;
  readonly answer: ChatAnswer;
  readonly tokens: CallTokens;
  readonly shape: ChatShape;
  /** The tool that must be called. */
  readonly tool: string | undefined;
}

const STOP_REASONS: Readonly<Record<string, string>> = {
  stop: 'end_turn',
  length: 'max_tokens',
  content_filter: 'refusal',
  tool_calls: 'tool_use',
};

/** A content block. `input` is JSON text, but a scripted answer may make it invalid. */
type Block =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'tool_use'; readonly name: string; readonly input: string };

/** Makes the body of a message. */
export function messageBody(parts: MessageParts): string {
  const { content } = parts.answer;
  const blocks = blocksOf(parts).map(
    (block, index) =>
      `{"type":"${block.type}",${
        block.type === 'text'
          ? `"text":${JSON.stringify(block.text)}`
          : `"id":"toolu_${index}","name":${JSON.stringify(block.name)},"input":${block.input}`
      }}`,
  );
  const isNull = content === null && parts.answer.refusal === null && !parts.shape.toolCalls;
  return (
    `{${head(parts)},"content":${isNull ? 'null' : `[${blocks.join(',')}]`},` +
    `"stop_reason":${JSON.stringify(stopReason(parts))},"stop_sequence":null` +
    `${parts.shape.usage ? `,"usage":${JSON.stringify(usageOf(parts.tokens))}` : ''}}`
  );
}

/** Makes the events of a streamed message, as texts. */
export function messageEvents(parts: MessageParts, piecesOf: (text: string) => string[]): string[] {
  const { shape, tokens } = parts;
  const usage = shape.usage ? { ...usageOf(tokens), output_tokens: 1 } : undefined;
  const start = `{${head(parts)},"content":[],"stop_reason":null,"stop_sequence":null${
    usage === undefined ? '' : `,"usage":${JSON.stringify(usage)}`
  }}`;
  const events = [`{"type":"message_start","message":${start}}`, '{"type":"ping"}'];
  for (const [index, block] of blocksOf(parts).entries()) {
    const isText = block.type === 'text';
    const opened = isText
      ? { type: 'text', text: '' }
      : { type: 'tool_use', id: `toolu_${index}`, name: block.name, input: {} };
    events.push(JSON.stringify({ type: 'content_block_start', index, content_block: opened }));
    for (const piece of piecesOf(isText ? block.text : block.input)) {
      const delta = isText
        ? { type: 'text_delta', text: piece }
        : { type: 'input_json_delta', partial_json: piece };
      events.push(JSON.stringify({ type: 'content_block_delta', index, delta }));
    }
    events.push(JSON.stringify({ type: 'content_block_stop', index }));
  }
  const delta = { stop_reason: stopReason(parts), stop_sequence: null };
  const counted = shape.usage ? { usage: usageOf(tokens) } : {};
  events.push(JSON.stringify({ type: 'message_delta', delta, ...counted }));
  events.push('{"type":"message_stop"}');
  return events.map(namedEvent);
}

/** Makes the event of an error in the middle of a stream. */
export function messageErrorEvent(status: number, message: string): string {
  return namedEvent(messageErrorBody(status, message, null));
}

const ERROR_TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};

/** The messages that Anthropic sends in cases in which OpenAI sends a code. */
const WORDS: Readonly<Record<string, string>> = {
  context_length_exceeded: 'prompt is too long: 210000 tokens > 200000 maximum',
  content_policy_violation: 'Output blocked by content filtering policy',
  insufficient_quota: 'Your credit balance is too low to access the Anthropic API.',
};

/** Makes the body of an error. */
export function messageErrorBody(status: number, message: string, code: string | null): string {
  const type = ERROR_TYPES[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error');
  const words = (code === null ? undefined : WORDS[code]) ?? message;
  return JSON.stringify({ type: 'error', error: { type, message: words }, request_id: 'req_sim' });
}

function head({ contentHash, model }: MessageParts): string {
  return `"id":"msg_${contentHash}","type":"message","role":"assistant","model":${JSON.stringify(model)}`;
}

function namedEvent(data: string): string {
  const name = /^\{"type":"(\w+)"/.exec(data)?.[1] ?? 'message';
  return `event: ${name}\ndata: ${data}\n\n`;
}

function blocksOf({ answer, shape, tool }: MessageParts): readonly Block[] {
  const text = answer.content ?? answer.refusal ?? '';
  if (shape.choices === 'none') return [];
  if (shape.toolCalls) return [{ type: 'tool_use', name: 'lookup', input: '{"query":"sim"}' }];
  if (tool === undefined || !text.trimStart().startsWith('{')) return [{ type: 'text', text }];
  // If the model is cut off, only half of the input exists. The block contains an empty input instead.
  return [
    { type: 'tool_use', name: tool, input: answer.finish === 'length' ? '{}' : inUtf8(text) },
  ];
}

/** Returns JSON text with lone surrogates as escapes: written to UTF-8 as they are, they would become U+FFFD. */
function inUtf8(json: string): string {
  return json.replace(/\p{Cs}/gu, (half) => `\\u${half.charCodeAt(0).toString(16)}`);
}

function stopReason(parts: MessageParts): string {
  const { finish, refusal } = parts.answer;
  if (refusal !== null) return 'refusal';
  const hasTool = blocksOf(parts).some(({ type }) => type === 'tool_use');
  return hasTool && finish === 'stop' ? 'tool_use' : (STOP_REASONS[finish] ?? finish);
}

function usageOf({ tokensIn, tokensOut, tokensCached = 0, tokensCacheWrite = 0 }: CallTokens) {
  return {
    input_tokens: tokensIn - tokensCached - tokensCacheWrite,
    cache_creation_input_tokens: tokensCacheWrite,
    cache_read_input_tokens: tokensCached,
    output_tokens: tokensOut,
  };
}
