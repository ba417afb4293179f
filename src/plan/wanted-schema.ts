/** The columns that a statement wants, as the schema that the model is told. */
import { createHash } from 'node:crypto';
import type { Cascade } from '../cascade/cascade.ts';
import type { Json, JsonObject } from '../util/json.ts';
import type { ColumnType } from '../values/column-type.ts';
import type { ResultField } from './result-fields.ts';

/**
 * The cascade with the columns as the output schema of its last cell, where that cell asks a model and has no schema of
 * its own; else the cascade itself, also where a column is not simply a field of the value.
 */
export function withWantedSchema(cascade: Cascade, fields: readonly ResultField[]): Cascade {
  const last = cascade.cells.at(-1);
  const isUntyped = last?.kind === 'instructions' && last.outputSchema === undefined;
  if (!isUntyped || cascade.output !== undefined) return cascade;
  const names = fields.map(({ name, path = [name] }) => (path.length === 1 ? path[0] : undefined));
  if (!names.every((name) => typeof name === 'string')) return cascade;
  const properties: Record<string, Json> = Object.create(null);
  for (const [index, { valueType }] of fields.entries()) {
    properties[names[index]!] = nullable(schemaOf(valueType));
  }
  const outputSchema: JsonObject = {
    type: 'object',
    properties,
    required: Object.keys(properties),
    additionalProperties: false,
  };
  const text = `${cascade.hash}\0${JSON.stringify(outputSchema)}`;
  return {
    ...cascade,
    // The workers know a cascade by its hash: one with another schema is another one.
    hash: createHash('sha256').update(text).digest('hex'),
    cells: [...cascade.cells.slice(0, -1), { ...last, outputSchema }],
  };
}

/** What of a type JSON Schema can say. */
function schemaOf(type: ColumnType): JsonObject {
  const { family, element, members = [], labels = [] } = type;
  switch (family) {
    case 'boolean':
      return { type: 'boolean' };
    case 'integer':
    case 'float':
    case 'decimal':
      // As a text a number keeps all its figures, and is converted as strictly.
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

/** A model that does not know must be able to say so. */
function nullable(schema: JsonObject): JsonObject {
  const { type, enum: values } = schema;
  if (type === undefined) return schema;
  const types = Array.isArray(type) ? (type as readonly Json[]) : [type];
  const withNull = { ...schema, type: [...types, 'null'] };
  return values === undefined ? withNull : { ...withNull, enum: [...(values as Json[]), null] };
}
