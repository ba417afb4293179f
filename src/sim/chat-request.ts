/** Reads the body of a chat call as strictly as a provider does. */
import { isRecord, type JsonRecord } from './json.ts';

/** A request that is answered with an error of the endpoint's protocol. */
export class RequestProblem extends Error {
  override readonly name = 'RequestProblem';
  readonly status: number;
  readonly code: string | null;

  constructor(status: number, message: string, code: string | null = null) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** The parts of a chat call that the server uses. */
export interface ChatCall {
  readonly model: string;
  /** The texts of all messages, joined by line breaks. */
  readonly text: string;
  /** The number of characters in all messages. */
  readonly chars: number;
  /** The text of the last user message, or of the last message if there is no user message. */
  readonly lastUser: string;
  readonly maxTokens: number | undefined;
  readonly responseFormat: 'text' | 'json_object' | 'json_schema';
  /** The schema of `response_format`, else the schema that a system text contains. */
  readonly schema: JsonRecord | undefined;
  /** `stream`: the answer comes as a stream of events. `includeUsage`: the answer contains token counts. */
  readonly stream: boolean;
  readonly includeUsage: boolean;
  /** The tool that must be called, in Anthropic's protocol. */
  readonly tool?: string;
  /** The `prompt_cache_key`, in OpenAI's protocol. */
  readonly cacheKey?: string;
}

/** https://platform.openai.com/docs/api-reference/chat/create#chat_create-prompt_cache_key */
const MAX_CACHE_KEY = 64;
const ROLES = new Set(['system', 'developer', 'user', 'assistant', 'tool']);

/** Reads a chat body. Throws `RequestProblem`. */
export function readChat(body: JsonRecord): ChatCall {
  const messages = body['messages'];
  if (!Array.isArray(messages) || messages.length === 0) {
    throw new RequestProblem(400, "'messages' must be an array with at least one message");
  }
  const texts: string[] = [];
  let asked: JsonRecord | undefined;
  let lastUser: string | undefined;
  for (const [index, message] of messages.entries()) {
    const role = isRecord(message) ? message['role'] : undefined;
    if (typeof role !== 'string' || !ROLES.has(role)) {
      throw new RequestProblem(400, `'messages[${index}].role' is not a role`);
    }
    const text = contentText((message as JsonRecord)['content'], index);
    texts.push(text);
    if (role === 'user') lastUser = text;
    if (role === 'system' || role === 'developer') asked = schemaInWords(text) ?? asked;
  }
  checkParameters(body);
  const text = texts.join('\n');
  const format = readResponseFormat(body['response_format']);
  return {
    model: readModel(body),
    text,
    chars: text.length - (texts.length - 1),
    lastUser: lastUser ?? texts.at(-1) ?? '',
    maxTokens: (body['max_completion_tokens'] ?? body['max_tokens'] ?? undefined) as
      | number
      | undefined,
    ...format,
    schema: format.schema ?? asked,
    stream: body['stream'] === true,
    includeUsage: readStreamOptions(body),
    ...(body['prompt_cache_key'] === undefined
      ? {}
      : { cacheKey: String(body['prompt_cache_key']) }),
  };
}

/** Returns the model's name. Throws `RequestProblem`. */
export function readModel(body: JsonRecord): string {
  const model = body['model'];
  if (typeof model !== 'string' || model === '') {
    throw new RequestProblem(400, 'you must provide a model parameter');
  }
  return model;
}

function contentText(content: unknown, index: number): string {
  if (typeof content === 'string') return content;
  if (content === null || content === undefined) return '';
  if (Array.isArray(content)) {
    return content.map((part) => partText(part, index)).join('');
  }
  throw new RequestProblem(400, `'messages[${index}].content' must be a text or a list of parts`);
}

/** Returns the text of a part. An image has no text. */
function partText(part: unknown, index: number): string {
  if (isRecord(part) && part['type'] === 'image_url') {
    const image = part['image_url'];
    const url = isRecord(image) ? image['url'] : undefined;
    if (typeof url === 'string' && /^(https?:|data:image\/\w+;base64,.)/.test(url)) return '';
    throw new RequestProblem(
      400,
      `'messages[${index}].content' holds an image without a URL of an image`,
    );
  }
  return isRecord(part) && typeof part['text'] === 'string' ? part['text'] : '';
}

/** Finds the schema in a system text: on the line after the line with the words `JSON Schema`. */
export function schemaInWords(text: string): JsonRecord | undefined {
  const line = /JSON Schema[^\n]*\n(\{[^\n]*\})/.exec(text)?.[1];
  if (line === undefined) return undefined;
  try {
    const schema: unknown = JSON.parse(line);
    return isRecord(schema) ? schema : undefined;
  } catch {
    return undefined;
  }
}

function checkParameters(body: JsonRecord): void {
  const temperature = body['temperature'] ?? 1;
  if (typeof temperature !== 'number' || temperature < 0 || temperature > 2) {
    throw new RequestProblem(400, "'temperature' must be a number from 0 to 2");
  }
  for (const name of ['max_tokens', 'max_completion_tokens']) {
    const value = body[name] ?? 1;
    if (!Number.isInteger(value) || (value as number) < 1) {
      throw new RequestProblem(400, `'${name}' must be a whole number from 1`);
    }
  }
  if (!Number.isInteger(body['seed'] ?? 0)) throw new RequestProblem(400, "'seed' must be whole");
  const key = body['prompt_cache_key'] ?? '';
  if (typeof key !== 'string' || key.length > MAX_CACHE_KEY) {
    throw new RequestProblem(
      400,
      `'prompt_cache_key' must be a text of ${MAX_CACHE_KEY} characters`,
    );
  }
  if ((body['n'] ?? 1) !== 1) throw new RequestProblem(400, "'n' other than 1 is not simulated");
  if (typeof (body['stream'] ?? false) !== 'boolean') {
    throw new RequestProblem(400, "'stream' must be true or false");
  }
}

/** Whether the answer contains token counts. A stream contains them only if the request asks for them. */
function readStreamOptions(body: JsonRecord): boolean {
  const options = body['stream_options'] ?? undefined;
  if (options === undefined) return body['stream'] !== true;
  if (body['stream'] !== true || !isRecord(options)) {
    throw new RequestProblem(400, "'stream_options' is only allowed when 'stream' is enabled");
  }
  return options['include_usage'] === true;
}

function readResponseFormat(format: unknown): Pick<ChatCall, 'responseFormat' | 'schema'> {
  if (format === undefined || format === null) return { responseFormat: 'text', schema: undefined };
  const type = isRecord(format) ? format['type'] : undefined;
  if (type === 'text' || type === 'json_object') {
    return { responseFormat: type, schema: undefined };
  }
  const holder = isRecord(format) ? format['json_schema'] : undefined;
  const schema = isRecord(holder) ? holder['schema'] : undefined;
  if (type === 'json_schema' && isRecord(schema)) return { responseFormat: type, schema };
  throw new RequestProblem(
    400,
    "'response_format' is not one of text, json_object and json_schema",
  );
}
