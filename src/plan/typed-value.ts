/** The parts of a run's value that its columns take: converted row by row, and cast to the columns by DuckDB. */
import { quoteIdentifier } from '../duck/quote.ts';
import type { Failure } from '../errors.ts';
import { MESSAGE_VALUE_CHARS } from '../limits.ts';
import type { Json } from '../util/json.ts';
import type { ColumnType } from '../values/column-type.ts';
import {
  convertValue,
  isObject,
  keyOf,
  NO_VALUE,
  type ReadValue,
  unfenced,
} from '../values/convert-value.ts';
import { exactText, parseExactly } from '../values/long-numbers.ts';
import type { ResultField } from './result-fields.ts';

/** Families that a single column may take whole. */
const WHOLE_FAMILIES: ReadonlySet<string> = new Set(['struct', 'map', 'union', 'json']);
/** Families that DuckDB casts from JSON; the others it casts from text. */
const JSON_FAMILIES: ReadonlySet<string> = new Set(['list', 'struct', 'map', 'union']);

/** The columns' values as the text of a JSON list; or why a column has none. `text` is the run's value. */
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
  const answer = unfenced(text).trim();
  const json = parseExactly(answer);
  const whole = json === undefined ? text : json;
  const values: Json[] = [];
  for (const field of fields) {
    const isOnly = fields.length === 1 && field.path === undefined;
    let part = partOf(field, whole);
    if (part === undefined && isOnly) part = wholeFor(field.valueType, json, answer);
    if (part === undefined) return refuse(field, `and ${shown(whole)} has no such field`);
    const value = part === null ? null : valueFor(field.valueType, part);
    if (value === NO_VALUE) return refuse(field, `and ${shown(part)} is none`);
    if (!isWellFormed(part)) {
      return refuse(
        field,
        `and ${shown(part)} has half of a surrogate pair, which is no character`,
      );
    }
    values.push(value);
  }
  return { value: exactText(values) };
}

/** The select list that gives the columns; `value` is the SQL of what `typedValue` made. */
export function typedColumns(fields: readonly ResultField[], value: string): readonly string[] {
  return fields.map(({ name, type, valueType: { family } }, index) => {
    const path = `'$[${index}]'`;
    const part = JSON_FAMILIES.has(family)
      ? `json_extract(${value}, ${path})`
      : `json_extract_string(${value}, ${path})`;
    return `CAST(${part} AS ${type}) AS ${quoteIdentifier(name)}`;
  });
}

/** Whether all texts of a value are of whole characters; DuckDB reads no others. */
function isWellFormed(value: Json): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([key, part]) => key.isWellFormed() && isWellFormed(part));
}

/** JSON is a text, which has all figures of its numbers. */
function valueFor(type: ColumnType, part: Json): ReadValue {
  return type.family === 'json' ? exactText(part) : convertValue(type, part, true);
}

function partOf({ name, path = [name] }: ResultField, whole: Json): Json | undefined {
  return path.reduce<Json | undefined>(stepInto, whole);
}

/** A single column may be the value itself: what is an object only where the column's type says so. */
function wholeFor(
  { family }: ColumnType,
  json: Json | undefined,
  answer: string,
): Json | undefined {
  if (isObject(json)) return WHOLE_FAMILIES.has(family) ? json : undefined;
  if (json === null || family === 'json') return json;
  if (family === 'text') return answer;
  // As a text a number has all its figures.
  return typeof json === 'object' || typeof json === 'string' ? json : answer;
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
  const text = exactText(value);
  return text.length <= MESSAGE_VALUE_CHARS ? text : `${text.slice(0, MESSAGE_VALUE_CHARS - 1)}…`;
}
