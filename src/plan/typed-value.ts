/** Converts the parts of a run's value for the result columns, row by row. DuckDB then casts them to the columns' types. */
import { quoteIdentifier } from '../duck/quote.ts';
import type { Failure } from '../errors.ts';
import { isObject, type Json } from '../util/json.ts';
import { shortText } from '../util/short-text.ts';
import type { ColumnType } from '../values/column-type.ts';
import { convertValue, keyOf, NO_VALUE, unfenced } from '../values/convert-value.ts';
import { exactText, parseExactly } from '../values/long-numbers.ts';
import type { ResultField } from './result-fields.ts';

/** Type families whose values may be an object, so that a single column takes it whole. */
const WHOLE_FAMILIES: ReadonlySet<string> = new Set(['struct', 'map', 'union', 'json']);
/** Type families that DuckDB casts from JSON. It casts the others from text. */
const JSON_FAMILIES: ReadonlySet<string> = new Set(['list', 'struct', 'map', 'union']);

/** Returns the columns' values as the text of a JSON list, or why a column has no value. `text` is the run's value. */
export function typedValue(
  fields: readonly ResultField[],
  text: string,
): { readonly value: string } | { readonly error: Failure } {
  try {
    return convertedFields(fields, text);
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
    return refuse(fields[0]!, 'and the value is nested too deep');
  }
}

function convertedFields(
  fields: readonly ResultField[],
  text: string,
): { readonly value: string } | { readonly error: Failure } {
  const json = parseExactly(unfenced(text).trim());
  const whole = json === undefined ? text : json;
  const values: Json[] = [];
  for (const field of fields) {
    const isOnly = fields.length === 1 && field.path === undefined;
    let part = partOf(field, whole);
    if (part === undefined && isOnly) part = wholeFor(field.valueType, json, text);
    if (part === undefined) return refuse(field, `and ${shown(whole)} has no such field`);
    const value = part === null ? null : convertValue(field.valueType, part, true);
    if (value === NO_VALUE) return refuse(field, `and ${shown(part)} is not such a value`);
    // A text may hold JSON in which a half is written as an escape, so the value is checked too.
    if (!isWellFormed(part) || !isWellFormed(value)) {
      return refuse(
        field,
        `and ${shown(part)} has half of a surrogate pair, which is no character`,
      );
    }
    values.push(value);
  }
  return { value: exactText(values) };
}

/** Returns the select list for the columns. `value` is SQL for the text that `typedValue` returned. */
export function typedColumns(fields: readonly ResultField[], value: string): readonly string[] {
  return fields.map(({ name, type, valueType }, index) => {
    const path = `'$[${index}]'`;
    const hasParts = JSON_FAMILIES.has(valueType.family);
    const part = `${hasParts ? 'json_extract' : 'json_extract_string'}(${value}, ${path})`;
    // DuckDB keeps the digits of a text that it casts to JSON, and rounds long numbers in JSON that it casts to JSON.
    const exact =
      hasParts && holdsJson(valueType) ? `CAST(${part} AS ${textType(valueType)})` : part;
    return `CAST(${exact} AS ${type}) AS ${quoteIdentifier(name)}`;
  });
}

function holdsJson(type: ColumnType): boolean {
  return type.family === 'json' || partsOf(type).some(holdsJson);
}

function partsOf({ key, element, members = [] }: ColumnType): readonly ColumnType[] {
  const parts = [key, element, ...members.map(({ type }) => type)];
  return parts.filter((part) => part !== undefined);
}

/** Returns a type as SQL, with VARCHAR in place of JSON. */
function textType(type: ColumnType): string {
  const { name, family, element, length, key, members = [] } = type;
  const fields = members.map((one) => `${quoteIdentifier(one.name)} ${textType(one.type)}`);
  switch (family) {
    case 'json':
      return 'VARCHAR';
    case 'list':
      return `${textType(element!)}[${length ?? ''}]`;
    case 'map':
      return `MAP(${textType(key!)}, ${textType(element!)})`;
    case 'struct':
    case 'union':
      return `${family.toUpperCase()}(${fields.join(', ')})`;
    default:
      return name;
  }
}

/** Whether all texts of a value consist of whole characters. DuckDB reads no other texts. */
function isWellFormed(value: Json): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([key, part]) => key.isWellFormed() && isWellFormed(part));
}

function partOf({ name, path = [name] }: ResultField, whole: Json): Json | undefined {
  return path.reduce<Json | undefined>(stepInto, whole);
}

/** Returns the whole value for a single column. An object is returned only if the column's type takes objects. */
function wholeFor({ family }: ColumnType, json: Json | undefined, text: string): Json | undefined {
  if (isObject(json)) return WHOLE_FAMILIES.has(family) ? json : undefined;
  if (json === null || family === 'json') return json;
  if (family === 'text') return text;
  // As a text, a number keeps all its digits.
  return typeof json === 'object' || typeof json === 'string' ? json : unfenced(text).trim();
}

function stepInto(value: Json | undefined, step: string | number): Json | undefined {
  if (typeof step === 'number') return Array.isArray(value) ? value[step] : undefined;
  const key = isObject(value) ? keyOf(value, step) : undefined;
  return key === undefined ? undefined : (value as Readonly<Record<string, Json>>)[key];
}

function refuse({ name, type }: ResultField, why: string): { readonly error: Failure } {
  return {
    error: { code: 'RVB_TYPE_MISMATCH', message: `the column ${name} is ${type}, ${why}` },
  };
}

function shown(value: Json): string {
  return shortText(exactText(value));
}
