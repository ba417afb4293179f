/** The key of a model call. Equal calls have equal keys, in every process and on every machine. */
import { hash } from 'node:crypto';
import { type ChatRequest, keptMessages } from '../model/chat.ts';
import type { Json, JsonObject } from '../util/json.ts';
import type { Variant } from './run-state.ts';

/** The number of hex digits of a key: 128 bits. */
const KEY_DIGITS = 32;

/**
 * Hashes provider, model, parameters, messages (with the hashes of their images), response schema, take and redo with
 * SHA-256, and cuts the hash to 128 bits. A second question after an unusable answer has other messages, so it has
 * another key.
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

/**
 * The keys of requests without a variant. A request whose answer was looked up ahead of its row is used again, for
 * the same provider.
 */
const keys = new WeakMap<ChatRequest, string>();

/** The JSON texts of schemas. A cell has one schema object for all its calls, and its text may be long. */
const schemaTexts = new WeakMap<JsonObject, string>();

function textOf(schema: JsonObject): string {
  let text = schemaTexts.get(schema);
  if (text === undefined) {
    text = JSON.stringify(canonical(schema));
    schemaTexts.set(schema, text);
  }
  return text;
}

/** Sorts the keys of objects, because their order has no meaning. */
function canonical(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(canonical);
  const sorted: Record<string, Json> = Object.create(null);
  for (const key of Object.keys(value).sort()) {
    sorted[key] = canonical((value as Readonly<Record<string, Json>>)[key]!);
  }
  return sorted;
}
