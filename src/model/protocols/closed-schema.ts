/**
 * Writes a schema in the part of JSON Schema that Anthropic's structured output takes:
 * https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations
 */
import type { Json, JsonObject } from '../../util/json.ts';

const KEPT: ReadonlySet<string> = new Set([
  ...['type', 'description', 'title', 'default', 'enum', 'const', 'required'],
]);
/** Keywords that are left out. The model reads them in the prompt, and the engine checks the answer against them. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  ...['minLength', 'maxLength', 'pattern', 'format', 'minItems', 'maxItems', 'uniqueItems'],
  ...['minProperties', 'maxProperties', 'examples', '$schema', '$id', '$comment'],
]);

/**
 * Returns the schema with closed objects and without the keywords that are refused. Returns undefined if it cannot be
 * said so: an object with free keys, a value of any kind, or a keyword such as `oneOf` or `$ref`.
 */
export function closedSchema(schema: JsonObject): JsonObject | undefined {
  let closed = known.get(schema);
  if (closed === undefined) {
    closed = { schema: closedNode(schema) };
    known.set(schema, closed);
  }
  return closed.schema;
}

/** A cell has one schema object for all its calls. */
const known = new WeakMap<JsonObject, { readonly schema: JsonObject | undefined }>();

function closedNode(node: Json | undefined): JsonObject | undefined {
  if (typeof node !== 'object' || node === null || Array.isArray(node)) return undefined;
  const { properties, items, anyOf, additionalProperties = false, ...others } = node as JsonObject;
  const names = Object.keys(others);
  if (
    additionalProperties !== false ||
    names.some((name) => !KEPT.has(name) && !LEFT_OUT.has(name))
  )
    return undefined;
  const { type, enum: values } = others;
  const is = (name: string) => type === name || (Array.isArray(type) && type.includes(name));
  const isPlain = (value: Json) => typeof value !== 'object' || value === null;
  if (Array.isArray(values) && !values.every(isPlain)) return undefined;
  const isAny = type === undefined && values === undefined && others['const'] === undefined;
  // Nothing may stand beside anyOf, and nothing may be without a kind.
  if (isAny !== (anyOf !== undefined) || is('object') !== (properties !== undefined))
    return undefined;
  if (is('array') !== (items !== undefined)) return undefined;
  const inner = closedAll(Object.entries((properties ?? {}) as JsonObject));
  const item = items === undefined ? {} : closedNode(items);
  const branches = closedAll(Object.entries((anyOf ?? []) as JsonObject));
  if (inner === undefined || item === undefined || branches === undefined) return undefined;
  return {
    ...Object.fromEntries(Object.entries(others).filter(([name]) => KEPT.has(name))),
    ...(properties === undefined ? {} : { properties: inner, additionalProperties: false }),
    ...(items === undefined ? {} : { items: item }),
    ...(anyOf === undefined ? {} : { anyOf: Object.values(branches) }),
  };
}

function closedAll(nodes: readonly (readonly [string, Json])[]): JsonObject | undefined {
  const closed = nodes.map(([name, node]) => [name, closedNode(node)] as const);
  const isWhole = closed.every((pair): pair is [string, JsonObject] => pair[1] !== undefined);
  return isWhole ? Object.fromEntries(closed) : undefined;
}
