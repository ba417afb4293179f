/** Writes a chat request as the JSON of Anthropic's Messages API: https://docs.anthropic.com/en/api/messages */
import type { Json, JsonObject } from '../../util/json.ts';
import type { ChatImage, ChatMessage, ChatRequest } from '../chat.ts';
import { CACHED_MIN_CHARS } from '../constant-text.ts';
import { member } from '../provider-error.ts';
import { closedSchema } from './closed-schema.ts';
import type { BodySettings } from './protocol.ts';

/** The name of the tool whose input is the answer: https://docs.anthropic.com/en/docs/build-with-claude/tool-use */
export const ANSWER_TOOL = 'answer';

/** The default of `max_tokens`, which the protocol requires. Every Claude model can write this many tokens. */
export const ANTHROPIC_MAX_TOKENS = 4_096;

/** Marks a block for the cache: https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching */
const CACHED: JsonObject = { cache_control: { type: 'ephemeral' } };

/** OpenAI's names of parameters that this protocol has too. */
const OWN_NAMES: Readonly<Record<string, string>> = {
  max_completion_tokens: 'max_tokens',
  stop: 'stop_sequences',
};
/** OpenAI's parameters that this protocol refuses. */
const UNKNOWN: ReadonlySet<string> = new Set(['seed', 'n']);

/**
 * Returns the parameter with the schema of an object, for models with structured output:
 * https://platform.claude.com/docs/en/build-with-claude/structured-outputs
 */
export function impliedByMessages(
  { responseSchema: schema }: ChatRequest,
  told: JsonObject,
  { responseFormat }: BodySettings,
): JsonObject {
  const closed =
    schema?.['type'] === 'object' && responseFormat === 'json_schema'
      ? closedSchema(schema)
      : undefined;
  const own = (told['output_config'] ?? {}) as JsonObject;
  return closed === undefined
    ? {}
    : { output_config: { format: { type: 'json_schema', schema: closed }, ...own } };
}

/**
 * Returns the body of a POST to `/messages`. System messages become `system`. If no parameter has the schema of an
 * object, the schema becomes a tool that the model must call, unless the parameters turn on thinking, which excludes
 * forced tools. Constant parts are marked for the cache.
 */
export function messagesBody(request: ChatRequest, settings: BodySettings): string {
  const { model, messages, parameters, responseSchema: schema, constant } = request;
  const told = messages.filter(({ role }) => role === 'system').map(({ content }) => content);
  const system = told.join('\n\n');
  const isForced =
    schema?.['type'] === 'object' &&
    settings.responseFormat === 'json_schema' &&
    member(parameters['output_config'], 'format') === undefined &&
    !thinks(parameters);
  return JSON.stringify({
    max_tokens: ANTHROPIC_MAX_TOKENS,
    ...ownParameters(parameters),
    model,
    ...(system.trim() === '' ? {} : { system: [textBlock(system, constant?.system === true)] }),
    messages: messagesOf(messages, constant?.prompt ?? 0),
    ...(isForced
      ? {
          tools: [
            {
              name: ANSWER_TOOL,
              description: 'Gives the answer.',
              input_schema: schema,
            },
          ],
          tool_choice: { type: 'tool', name: ANSWER_TOOL },
        }
      : {}),
    ...(settings.stream === true ? { stream: true } : {}),
  });
}

/** True if thinking is on: https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking */
function thinks(parameters: JsonObject): boolean {
  const type = member(parameters['thinking'], 'type');
  return type !== undefined && type !== 'disabled';
}

function ownParameters(parameters: JsonObject): JsonObject {
  const own: Record<string, Json> = {};
  for (const [name, value] of Object.entries(parameters)) {
    if (UNKNOWN.has(name)) continue;
    const isText = name === 'stop' && typeof value === 'string';
    own[OWN_NAMES[name] ?? name] = isText ? [value] : value;
  }
  return own;
}

/** Leaves out messages without text, which the protocol refuses. The server joins consecutive messages of one role. */
function messagesOf(
  messages: readonly ChatMessage[],
  constantChars: number,
): readonly JsonObject[] {
  const said = messages.filter(({ role, content }) => role !== 'system' && content.trim() !== '');
  return said.map(({ role, content, images = [] }, index) => {
    const text = index === 0 ? parted(content, constantChars) : content;
    if (images.length === 0) return { role, content: text };
    const texts = typeof text === 'string' ? [textBlock(text, false)] : (text as readonly Json[]);
    return { role, content: [...images.map(imageBlock), ...texts] };
  });
}

/** Writes an image as a content block: https://docs.anthropic.com/en/docs/build-with-claude/vision */
function imageBlock({ mediaType, base64 }: ChatImage): JsonObject {
  return { type: 'image', source: { type: 'base64', media_type: mediaType, data: base64 } };
}

/** Splits a text into its constant start, marked for the cache, and the rest. A short start is not split off. */
function parted(content: string, constantChars: number): Json {
  const rest = content.slice(constantChars);
  if (constantChars < CACHED_MIN_CHARS || rest.trim() === '') return content;
  return [textBlock(content.slice(0, constantChars), true), textBlock(rest, false)];
}

function textBlock(text: string, isConstant: boolean): JsonObject {
  return { type: 'text', text, ...(isConstant ? CACHED : {}) };
}
