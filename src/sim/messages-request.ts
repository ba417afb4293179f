/**
 * Reads the body of a call in Anthropic's protocol as strictly as Anthropic does:
 * https://docs.anthropic.com/en/api/messages
 */
import { type ChatCall, RequestProblem } from './chat-request.ts';
import { isRecord, type JsonRecord } from './json.ts';

const KNOWN = new Set([
  ...['model', 'max_tokens', 'messages', 'system', 'temperature', 'top_p', 'top_k', 'metadata'],
  ...[
    'stop_sequences',
    'stream',
    'thinking',
    'tools',
    'tool_choice',
    'service_tier',
    'output_config',
  ],
]);

/** Reads a body whose model was already checked. Throws `RequestProblem`. */
export function readMessages(body: JsonRecord): ChatCall {
  const stranger = Object.keys(body).find((key) => !KNOWN.has(key));
  check(stranger === undefined, `${stranger}: Extra inputs are not permitted`);
  const maxTokens = body['max_tokens'];
  check(maxTokens !== undefined, 'max_tokens: Field required');
  check(
    Number.isInteger(maxTokens) && (maxTokens as number) >= 1,
    'max_tokens: Input should be greater than or equal to 1',
  );
  const temperature = body['temperature'] ?? 1;
  check(
    typeof temperature === 'number' && temperature >= 0 && temperature <= 1,
    'temperature: range: 0..1',
  );
  check(typeof (body['stream'] ?? false) === 'boolean', 'stream: Input should be a valid boolean');
  const stops = body['stop_sequences'] ?? [];
  const areTexts = Array.isArray(stops) && stops.every((stop) => typeof stop === 'string');
  check(areTexts, 'stop_sequences: Input should be a valid list of strings');
  const system = body['system'] === undefined ? [] : textsOf(body['system'], 'system');
  const messages = body['messages'];
  check(
    Array.isArray(messages) && messages.length > 0,
    'messages: at least one message is required',
  );
  const texts = [...system];
  let lastUser = '';
  for (const [index, message] of (messages as readonly unknown[]).entries()) {
    const role = isRecord(message) ? message['role'] : undefined;
    check(
      role === 'user' || role === 'assistant',
      `messages.${index}.role: Input should be 'user' or 'assistant'`,
    );
    check(index > 0 || role === 'user', 'messages: first message must use the "user" role');
    const parts = textsOf((message as JsonRecord)['content'], `messages.${index}.content`);
    texts.push(...parts);
    if (role === 'user') lastUser = parts.join('');
  }
  const tool = readTool(body);
  const schema = tool?.schema ?? readFormat(body['output_config']);
  const text = texts.join('\n');
  return {
    model: String(body['model']),
    text,
    chars: text.length - Math.max(0, texts.length - 1),
    lastUser,
    maxTokens: maxTokens as number,
    responseFormat: schema === undefined ? 'text' : 'json_schema',
    schema,
    stream: body['stream'] === true,
    includeUsage: true,
    ...(tool === undefined ? {} : { tool: tool.name }),
  };
}

function check(holds: boolean, message: string): void {
  if (!holds) throw new RequestProblem(400, message);
}

/** Returns the texts of a content, which is a text or a list of blocks. No text may be empty. */
function textsOf(content: unknown, path: string): string[] {
  if (typeof content === 'string') {
    check(content.trim() !== '', `${path}: text content blocks must contain non-whitespace text`);
    return [content];
  }
  check(Array.isArray(content) && content.length > 0, `${path}: Input should be a valid string`);
  return (content as readonly unknown[]).map((block, index) => {
    if (isRecord(block) && block['type'] === 'image') {
      checkImage(block['source'], `${path}.${index}.image.source`);
      return '';
    }
    const text = isRecord(block) && block['type'] === 'text' ? block['text'] : undefined;
    check(typeof text === 'string', `${path}.${index}: only texts and images are simulated`);
    check(
      (text as string).trim() !== '',
      `${path}.${index}: text content blocks must contain non-whitespace text`,
    );
    const cache = (block as JsonRecord)['cache_control'];
    check(
      cache === undefined || (isRecord(cache) && cache['type'] === 'ephemeral'),
      `${path}.${index}.cache_control: Input tag should be 'ephemeral'`,
    );
    return text as string;
  });
}

/** Checks an image: https://docs.anthropic.com/en/docs/build-with-claude/vision */
function checkImage(source: unknown, path: string): void {
  const { type, media_type: mediaType, data } = isRecord(source) ? source : {};
  check(type === 'base64', `${path}.type: only base64 is simulated`);
  check(
    /^image\/(png|jpeg|gif|webp)$/.test(String(mediaType)),
    `${path}.media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'`,
  );
  check(typeof data === 'string' && data !== '', `${path}.data: Field required`);
}

/** Returns the schema of a structured output. */
function readFormat(config: unknown): JsonRecord | undefined {
  check(config === undefined || isRecord(config), 'output_config: Input should be an object');
  const format = (config as JsonRecord | undefined)?.['format'];
  if (format === undefined) return undefined;
  const { type, schema } = isRecord(format) ? format : {};
  check(type === 'json_schema', "output_config.format.type: Input should be 'json_schema'");
  check(isRecord(schema), 'output_config.format.schema: Field required');
  checkClosed(schema);
  return schema as JsonRecord;
}

const SCHEMA_KEYS = new Set([
  ...[
    'type',
    'description',
    'title',
    'default',
    'enum',
    'const',
    'anyOf',
    'allOf',
    '$ref',
    '$defs',
  ],
  ...['properties', 'required', 'additionalProperties', 'items', 'minItems', 'format', 'pattern'],
]);

/** Refuses what a structured output does not take of JSON Schema, in the words of the real server. */
function checkClosed(node: unknown): void {
  if (!isRecord(node)) return;
  const path = 'output_config.format.schema';
  const { type, properties = {}, items, anyOf = [] } = node;
  const isObject = type === 'object' || (Array.isArray(type) && type.includes('object'));
  check(
    !isObject || node['additionalProperties'] === false,
    `${path}: For 'object' type, 'additionalProperties' must be explicitly set to false`,
  );
  const stranger = Object.keys(node).find((key) => !SCHEMA_KEYS.has(key));
  check(
    stranger === undefined,
    `${path}: For '${String(type)}' type, property '${stranger}' is not supported`,
  );
  check(
    Object.keys(node).length > 0,
    `${path}: Empty schema ({}) that accepts any JSON value is not supported.`,
  );
  check(
    type === undefined || node['anyOf'] === undefined,
    `${path}: For 'anyOf', 'type' is not supported`,
  );
  const inner = [...Object.values(properties as JsonRecord), items, ...(anyOf as unknown[])];
  for (const one of inner) checkClosed(one);
}

/** Returns the tool that must be called. */
function readTool(body: JsonRecord): { name: string; schema: JsonRecord } | undefined {
  const tools = body['tools'] ?? [];
  check(Array.isArray(tools), 'tools: Input should be a valid list');
  for (const [index, tool] of (tools as readonly unknown[]).entries()) {
    const schema = isRecord(tool) ? tool['input_schema'] : undefined;
    check(
      isRecord(tool) && /^[a-zA-Z0-9_-]{1,128}$/.test(String(tool['name'])),
      `tools.${index}.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'`,
    );
    check(
      isRecord(schema) && schema['type'] === 'object',
      `tools.${index}.input_schema.type: Input should be 'object'`,
    );
  }
  const choice = body['tool_choice'];
  if (choice === undefined) return undefined;
  const name = isRecord(choice) && choice['type'] === 'tool' ? choice['name'] : undefined;
  check(typeof name === 'string', "tool_choice: only type 'tool' is simulated");
  const found = (tools as readonly JsonRecord[]).find((tool) => tool['name'] === name);
  check(
    found !== undefined,
    `tool_choice.name: Tool '${String(name)}' not found in provided tools`,
  );
  const thinking = body['thinking'];
  check(
    !isRecord(thinking) || thinking['type'] !== 'enabled',
    'Thinking may not be enabled when tool_choice forces tool use.',
  );
  return { name: name as string, schema: found!['input_schema'] as JsonRecord };
}
