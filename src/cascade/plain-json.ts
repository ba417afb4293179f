/** Plain JSON: checked copies, texts of values, equality. */
import { messageOf } from '../errors.ts';
import { VALUE_MAX_DEPTH } from '../limits.ts';
import type { Json, JsonObject } from '../util/json.ts';

/** The path of a part that is not JSON, e.g. `.rows[3].price`, and the problem. */
export interface JsonProblem {
  readonly path: string;
  readonly message: string;
}

/**
 * Thrown only inside `copyJson`. Each level adds its part of the path while the error passes through it, so good values
 * pay nothing.
 */
class NotJson extends Error {
  path = '';
}

/**
 * Returns a plain copy of a value, or the part of it that is not JSON: a function, BigInt, NaN, class instance, circle,
 * or nesting deeper than 64. Each getter is read once. `undefined` becomes null at the top and in arrays. As a property
 * it is left out, as in `JSON.stringify`.
 */
export function copyJson(
  value: unknown,
):
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly problem: JsonProblem } {
  try {
    return { ok: true, value: copy(value, 0) };
  } catch (error) {
    if (error instanceof NotJson) {
      return { ok: false, problem: { path: error.path, message: error.message } };
    }
    return { ok: false, problem: { path: '', message: `cannot be read: ${messageOf(error)}` } };
  }
}

function copy(value: unknown, depth: number): Json {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      if (Number.isFinite(value)) return value;
      throw new NotJson(`is ${value}; return null or a finite number`);
    case 'undefined':
      return null;
    case 'object':
      break;
    case 'bigint':
      throw new NotJson('is a BigInt; return a number or its text');
    default:
      throw new NotJson(`is a ${typeof value}; return plain JSON`);
  }
  if (value === null) return null;
  if (depth >= VALUE_MAX_DEPTH) {
    throw new NotJson(`is nested deeper than ${VALUE_MAX_DEPTH}, or a circle`);
  }
  return Array.isArray(value) ? copyList(value, depth) : copyObject(value, depth);
}

function copyList(list: readonly unknown[], depth: number): Json {
  const items = new Array<Json>(list.length);
  let i = 0;
  try {
    for (; i < items.length; i++) items[i] = copy(list[i], depth + 1);
  } catch (error) {
    if (error instanceof NotJson) error.path = `[${i}]${error.path}`;
    throw error;
  }
  return items;
}

function copyObject(object: object, depth: number): Json {
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype !== Object.prototype && prototype !== null && !isForeignPlain(prototype)) {
    throw new NotJson(whatInstead(object));
  }
  const result: Record<string, Json> = {};
  let key = '';
  try {
    for (key of Object.keys(object)) {
      const item: unknown = (object as Record<string, unknown>)[key];
      if (item === undefined) continue;
      const copied = copy(item, depth + 1);
      if (key === '__proto__') {
        Object.defineProperty(result, key, { value: copied, enumerable: true });
      } else result[key] = copied;
    }
  } catch (error) {
    if (error instanceof NotJson) error.path = `.${key}${error.path}`;
    throw error;
  }
  return result;
}

/** True for the `Object.prototype` of another realm. */
function isForeignPlain(prototype: unknown): boolean {
  return (
    Object.getPrototypeOf(prototype) === null &&
    Object.hasOwn(prototype as object, 'hasOwnProperty')
  );
}

function whatInstead(value: object): string {
  if (value instanceof Date) return 'is a Date; return its .toISOString()';
  if (value instanceof Map) return 'is a Map; return Object.fromEntries(it)';
  if (value instanceof Set) return 'is a Set; return [...it]';
  if (value instanceof Promise) return 'is a Promise; await it';
  return `is a ${value.constructor?.name ?? 'class instance'}; return plain objects and arrays`;
}

/** Returns the text of a value: a string is itself, null is null, anything else is its JSON text. */
export function valueText(value: Json): string | null {
  if (typeof value === 'string' || value === null) return value;
  return JSON.stringify(value);
}

/** Whether Jinja counts a value as true. It counts false, null, 0, '', [] and {} as false. */
export function isTruthy(value: Json): boolean {
  if (typeof value !== 'object' || value === null) return Boolean(value);
  return Array.isArray(value) ? value.length > 0 : Object.keys(value).length > 0;
}

/** Returns JSON text with the keys of every object sorted, so that equal values have equal texts. */
export function canonicalJson(value: Json): string {
  return JSON.stringify(value, (_, part: Json) =>
    typeof part !== 'object' || part === null || Array.isArray(part)
      ? part
      : Object.fromEntries(Object.entries(part).sort(([left], [right]) => (left < right ? -1 : 1))),
  );
}

/** Compares JSON values, for example for `rvbbit test`. The order of keys does not count. */
export function jsonEquals(a: Json, b: Json): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, i) => jsonEquals(item, b[i]!));
  }
  const [left, right] = [a as JsonObject, b as JsonObject];
  const keys = Object.keys(left);
  return (
    keys.length === Object.keys(right).length &&
    keys.every((key) => Object.hasOwn(right, key) && jsonEquals(left[key]!, right[key]!))
  );
}
