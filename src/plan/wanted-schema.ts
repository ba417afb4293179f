/** Turns the columns that a statement wants into the schema that the model is given. */
import { createHash } from 'node:crypto';
import type { Cascade } from '../cascade/cascade.ts';
import type { Json, JsonObject } from '../util/json.ts';
import type { ColumnType } from '../values/column-type.ts';
import type { ResultField } from './result-fields.ts';

/**
 * Returns the cascade with the columns as the output schema of its last cell, if that cell asks a model and has no
 * schema of its own. Otherwise, or if a column is an element of a list, returns the cascade unchanged.
 */
export function withWantedSchema(cascade: Cascade, fields: readonly ResultField[]): Cascade {
  const last = cascade.cells.at(-1);
  const isUntyped = last?.kind === 'instructions' && last.outputSchema === undefined;
  if (!isUntyped || cascade.output !== undefined) return cascade;
  const outputSchema = objectOf(
    fields.map(({ name, path = [name], valueType }) => ({ path, valueType })),
  );
  if (outputSchema === undefined) return cascade;
  const text = `${cascade.hash}\0${JSON.stringify(outputSchema)}`;
  return {
    ...cascade,
    // The workers identify a cascade by its hash, so another schema needs another hash.
    hash: createHash('sha256').update(text).digest('hex'),
    cells: [...cascade.cells.slice(0, -1), { ...last, outputSchema }],
  };
}

/** A part of an object that is wanted: the steps that lead to it, and its type. */
interface WantedPart {
  readonly path: readonly (string | number)[];
  readonly valueType: ColumnType;
}

/** Returns the schema of an object with these parts; undefined if no object has them, or a list has one of them. */
function objectOf(parts: readonly WantedPart[]): JsonObject | undefined {
  const groups = new Map<string, WantedPart[]>();
  for (const part of parts) {
    const [key] = part.path;
    if (typeof key !== 'string') return undefined;
    groups.set(key, [...(groups.get(key) ?? []), part]);
  }
  const properties: Record<string, Json> = Object.create(null);
  for (const [key, group] of groups) {
    const schema = group.every(({ path }) => path.length === 1)
      ? nullable(schemaOf(group.at(-1)!.valueType))
      : objectOf(group.map(({ path, valueType }) => ({ path: path.slice(1), valueType })));
    if (schema === undefined) return undefined;
    properties[key] = schema;
  }
  const required = Object.keys(properties);
  return { type: 'object', properties, required, additionalProperties: false };
}

/** Returns as much of a type as JSON Schema can express. */
function schemaOf(type: ColumnType): JsonObject {
  const { family, element, members = [], labels = [] } = type;
  switch (family) {
    case 'boolean':
      return { type: 'boolean' };
    case 'integer':
    case 'float':
    case 'decimal':
      // As a text, a number keeps all its digits, and it is converted as strictly.
      return { type: ['number', 'string'], description: type.name };
    case 'list':
      return { type: 'array', items: nullable(schemaOf(element!)) };
    case 'struct':
      return {
        type: 'object',
        properties: Object.fromEntries(
          members.map((member) => [member.name, nullable(schemaOf(member.type))]),
        ),
        required: members.map(({ name }) => name),
        additionalProperties: false,
      };
    case 'map':
      return { type: 'object', additionalProperties: nullable(schemaOf(element!)) };
    case 'enum':
      return { type: 'string', enum: [...labels] };
    case 'json':
    case 'union':
      return {};
    case 'text':
      return { type: 'string' };
    default:
      return { type: 'string', description: type.name };
  }
}

/** Adds null to a schema: a model that does not know a value must be able to say so. */
function nullable(schema: JsonObject): JsonObject {
  const { type, enum: values } = schema;
  if (type === undefined) return schema;
  const types = Array.isArray(type) ? (type as readonly Json[]) : [type];
  const withNull = { ...schema, type: [...types, 'null'] };
  return values === undefined ? withNull : { ...withNull, enum: [...(values as Json[]), null] };
}
