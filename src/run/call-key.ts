/** The key of a model call: equal calls have equal keys, whoever makes them and wherever. */
import { hash } from 'node:crypto';
import { type ChatRequest, keptMessages } from '../model/chat.ts';
import type { Json, JsonObject } from '../util/json.ts';
import type { Variant } from './run-state.ts';

/** Hex digits of a key: 128 bits. */
const KEY_DIGITS = 32;

/**
 * SHA-256 over provider, model, parameters, messages (of images their hashes), response schema, take and redo, cut to 128 bits.
 * A re-ask differs in its messages.
 */
export function callKeyOf(
  provider: string,
  request: ChatRequest,
  variant: Variant | undefined,
): string {
  const known = keys.get(request);
  if (known !== undefined && variant === undefined) return known;
  const { model, parameters, messages, responseSchema } = request;
  const { take, redo } = variant ?? { take: 0, redo: 0 };
  const parts = [
    provider,
    model,
    canonical(parameters),
    keptMessages(messages),
    responseSchema === undefined ? null : textOf(responseSchema),
    take,
    redo,
  ];
  const key = hash('sha256', JSON.stringify(parts), 'hex').slice(0, KEY_DIGITS);
  if (variant === undefined) keys.set(request, key);
  return key;
}

/** A request that was looked for ahead of its row is asked for again with it, of the same provider. */
const keys = new WeakMap<ChatRequest, string>();

/** A cell's schema is one object for all its calls, and may be long. */
const schemaTexts = new WeakMap<JsonObject, string>();

function textOf(schema: JsonObject): string {
  let text = schemaTexts.get(schema);
  if (text === undefined) {
    text = JSON.stringify(canonical(schema));
    schemaTexts.set(schema, text);
  }
  return text;
}

/** The order of an object's keys says nothing. */
function canonical(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(canonical);
  const sorted: Record<string, Json> = Object.create(null);
  for (const key of Object.keys(value).sort()) {
    sorted[key] = canonical((value as Readonly<Record<string, Json>>)[key]!);
  }
  return sorted;
}
