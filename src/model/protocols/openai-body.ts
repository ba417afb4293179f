/** Writes a chat request as the JSON of OpenAI's protocol. */
import type { JsonObject } from '../../util/json.ts';
import type { ChatMessage, ChatRequest, HttpSettings } from '../chat.ts';
import { constantKey } from '../constant-text.ts';
import type { BodySettings } from './protocol.ts';

/**
 * Returns the parameter that brings requests with the same long start to the server that has cached it:
 * https://platform.openai.com/docs/guides/prompt-caching
 */
export function impliedByCompletion(request: ChatRequest, told: JsonObject): JsonObject {
  const key = 'prompt_cache_key' in told ? undefined : constantKey(request);
  return key === undefined ? {} : { prompt_cache_key: key };
}

/**
 * Returns the body of a POST to `/chat/completions`. A stream reports its usage only if `stream_options` asks for it:
 * https://platform.openai.com/docs/api-reference/chat/create#chat-create-stream_options
 */
export function completionBody(request: ChatRequest, settings: BodySettings): string {
  const { model, messages, parameters, responseSchema } = request;
  const { responseFormat, stream, streamOptions } = settings;
  const format =
    responseSchema === undefined ? undefined : formatOf(responseSchema, responseFormat);
  return JSON.stringify({
    ...(format === undefined ? {} : { response_format: format }),
    ...parameters,
    model,
    messages: messages.map(messageOf),
    ...(stream === true ? { stream } : {}),
    ...(stream === true && streamOptions !== false
      ? { stream_options: { include_usage: true } }
      : {}),
  });
}

/** Writes a message, with its images first: https://platform.openai.com/docs/guides/images-vision */
function messageOf({ role, content, images }: ChatMessage): JsonObject {
  if (images === undefined) return { role, content };
  const parts = images.map(({ mediaType, base64 }) => ({
    type: 'image_url',
    image_url: { url: `data:${mediaType};base64,${base64}` },
  }));
  return { role, content: [...parts, { type: 'text', text: content }] };
}

/** Returns the `response_format`; undefined unless the schema is of an object, since providers support no other. */
function formatOf(
  schema: JsonObject,
  form: HttpSettings['responseFormat'],
): JsonObject | undefined {
  if (form === 'none' || schema['type'] !== 'object') return undefined;
  if (form === 'json_object') return { type: 'json_object' };
  return { type: 'json_schema', json_schema: { name: 'answer', strict: false, schema } };
}
