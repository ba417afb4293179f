/** A chat request as the JSON that providers take. */
import type { JsonObject } from '../util/json.ts';
import type { ChatRequest, HttpSettings } from './chat.ts';

/** The body of a POST to `/chat/completions`. Parameters cannot replace the model or the messages. */
export function chatBody(request: ChatRequest, form: HttpSettings['responseFormat']): string {
  const { model, messages, parameters, responseSchema } = request;
  const format = responseSchema === undefined ? undefined : responseFormat(responseSchema, form);
  return JSON.stringify({
    ...(format === undefined ? {} : { response_format: format }),
    ...parameters,
    model,
    messages,
  });
}

/** Providers hold an answer to a schema only where that is of an object. */
function responseFormat(
  schema: JsonObject,
  form: HttpSettings['responseFormat'],
): JsonObject | undefined {
  if (form === 'none' || schema['type'] !== 'object') return undefined;
  if (form === 'json_object') return { type: 'json_object' };
  return { type: 'json_schema', json_schema: { name: 'answer', strict: false, schema } };
}
