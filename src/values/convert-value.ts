/** Converts JSON to exactly the same value of a DuckDB type, or to none. Nothing is rounded, cut or guessed. */
import { isObject, type Json } from '../util/json.ts';
import { type ColumnType, integerBounds } from './column-type.ts';
import {
  convertDate,
  convertInterval,
  convertTime,
  convertTimestamp,
  convertZonedTime,
} from './convert-time.ts';
import { keyIdentity } from './key-identity.ts';
import { exactText, figuresOf, parseExactly } from './long-numbers.ts';

/** Means that the answer is no value of the type. */
export const NO_VALUE = Symbol('no value');
export type ReadValue = Json | typeof NO_VALUE;

const INTEGER = /^-?(?:0|[1-9]\d*)$/;
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const DECIMAL = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?$/;
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
const BIT = /^[01]+$/;
/** Bytes as DuckDB writes them: ASCII except the backslash, and `\xFF` for other bytes. */
const BLOB = /^(?:[\x20-\x5b\x5d-\x7e]|\\x[0-9a-fA-F]{2})*$/;
const FENCE = /^```[^\n`]*\n([\s\S]*?)\n?```$/;
/** With at most this many digits, each decimal number has its own double. A longer number may have been rounded. */
const DOUBLE_DIGITS = 15;
/** The digits of a second's fraction, for types that do not keep six. */
const FRACTION_DIGITS: Readonly<Record<string, number>> = {
  TIMESTAMP_S: 0,
  TIMESTAMP_MS: 3,
  TIMESTAMP_NS: 9,
};

/**
 * Returns the value in a form that DuckDB casts without loss, or NO_VALUE. Booleans, finite numbers and texts keep
 * their form. Integers beyond 2^53, decimals and dates are texts. JSON is a text; with `keepsJson` a text in the answer is a JSON
 * string, and otherwise it must be JSON itself. Lists are arrays; structs, maps and unions are objects. The answer may be a text in one Markdown fence and
 * between spaces. `answer` must not be null.
 */
export function convertValue(type: ColumnType, answer: Json, keepsJson = false): ReadValue {
  const figures = figuresOf(answer);
  const bare = typeof figures === 'string' ? unfenced(figures) : figures;
  switch (type.family) {
    case 'text':
      if (typeof bare === 'string') return bare;
      return typeof bare === 'object' ? exactText(bare) : String(bare);
    case 'json':
      return keepsJson ? exactText(answer) : toJsonText(bare);
    case 'list':
      return toList(type, parsed(bare), keepsJson);
    case 'struct':
      return toStruct(type, parsed(bare), keepsJson);
    case 'map':
      return toMap(type, parsed(bare), keepsJson);
    case 'union':
      return toUnion(type, bare, keepsJson);
    case 'enum':
      return fromText(bare, (text) => type.labels!.find((label) => label === text));
    case 'blob':
      return fromText(bare, (text) => (BLOB.test(text) ? text : undefined));
    case 'bit':
      return fromText(trimmed(bare), (text) => (BIT.test(text) ? text : undefined));
    case 'boolean':
      return toBoolean(trimmed(bare));
    case 'float':
      return toFloat(trimmed(bare), type.name);
    case 'integer':
      return toInteger(trimmed(bare), type.name);
    case 'decimal':
      return toDecimal(trimmed(bare), type);
    case 'uuid':
      return fromText(trimmed(bare), (text) => (UUID.test(text) ? text.toLowerCase() : undefined));
    case 'date':
      return fromText(trimmed(bare), convertDate);
    case 'time':
      return fromText(trimmed(bare), (text) => convertTime(text));
    case 'timetz':
      return fromText(trimmed(bare), convertZonedTime);
    case 'interval':
      return fromText(trimmed(bare), convertInterval);
    case 'timestamp': {
      const withZone = type.name === 'TIMESTAMP WITH TIME ZONE';
      const digits = FRACTION_DIGITS[type.name];
      return fromText(trimmed(bare), (text) => convertTimestamp(text, withZone, digits));
    }
  }
}

/** Returns a text without its Markdown fence, if one fence encloses the whole text. */
export function unfenced(text: string): string {
  const inner = FENCE.exec(text.trim())?.[1];
  return inner === undefined || inner.includes('```') ? text : inner;
}

/** Parses a text as JSON; undefined if it is no JSON. Any other answer is returned as it is. */
function parsed(answer: Json): Json | undefined {
  return typeof answer === 'string' ? parseExactly(answer) : answer;
}

function trimmed(answer: Json): Json {
  return typeof answer === 'string' ? answer.trim() : answer;
}

function fromText(answer: Json, read: (text: string) => string | undefined): ReadValue {
  return (typeof answer === 'string' ? read(answer) : undefined) ?? NO_VALUE;
}

function toBoolean(answer: Json): ReadValue {
  if (typeof answer === 'boolean') return answer;
  const word = typeof answer === 'string' ? answer.toLowerCase() : '';
  return word === 'true' ? true : word === 'false' ? false : NO_VALUE;
}

function toFloat(answer: Json, name: string): ReadValue {
  const isText = typeof answer === 'string' && NUMBER.test(answer);
  if (typeof answer !== 'number' && !isText) return NO_VALUE;
  const value = Number(answer);
  return Number.isFinite(name === 'FLOAT' ? Math.fround(value) : value) ? value : NO_VALUE;
}

function toInteger(answer: Json, name: string): ReadValue {
  const isText = typeof answer === 'string' && INTEGER.test(answer);
  if (!isText && !(typeof answer === 'number' && Number.isSafeInteger(answer))) return NO_VALUE;
  const value = BigInt(answer as string | number);
  const [least, greatest] = integerBounds(name);
  if (value < least || value > greatest) return NO_VALUE;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

/** Converts to text, if the type has all the digits: 1.5 is a DECIMAL(10,2), and 1.555 is none. */
function toDecimal(answer: Json, { width = 0, scale = 0 }: ColumnType): ReadValue {
  const text = typeof answer === 'number' ? withoutExponent(answer) : String(answer ?? '');
  const match = DECIMAL.exec(text);
  if (match === null || typeof answer === 'boolean' || typeof answer === 'object') return NO_VALUE;
  const [, sign, whole = '', fraction = ''] = match;
  const kept = fraction.replace(/0+$/, '');
  const digits = whole === '0' ? 0 : whole.length;
  if (kept.length > scale || digits > width - scale) return NO_VALUE;
  const significant = `${whole}${kept}`.replace(/^0+/, '').length;
  if (typeof answer === 'number' && significant > DOUBLE_DIGITS) return NO_VALUE;
  const figures = `${whole}${kept === '' ? '' : `.${kept}`}`;
  return figures === '0' ? '0' : `${sign}${figures}`;
}

/** Returns a number as text without the exponent that JavaScript writes for numbers below a millionth. */
function withoutExponent(number: number): string {
  const [, sign = '', first = '', rest = '', zeros = ''] =
    /^(-?)(\d)(?:\.(\d+))?e-(\d+)$/.exec(String(number)) ?? [];
  if (first === '') return String(number);
  return `${sign}0.${'0'.repeat(Number(zeros) - 1)}${first}${rest}`;
}

/** Converts to JSON text. A text must be JSON itself. */
function toJsonText(answer: Json): ReadValue {
  const value = parsed(answer);
  return value === undefined ? NO_VALUE : exactText(value);
}

/** Converts a part of a value. null stays null. */
function partOf(type: ColumnType, part: Json, keepsJson: boolean): ReadValue {
  return part === null ? null : convertValue(type, part, keepsJson);
}

function toList(
  { element, length }: ColumnType,
  list: Json | undefined,
  keepsJson: boolean,
): ReadValue {
  if (!Array.isArray(list)) return NO_VALUE;
  if (length !== undefined && list.length !== length) return NO_VALUE;
  const values: Json[] = [];
  for (const item of list as readonly Json[]) {
    const value = partOf(element!, item, keepsJson);
    if (value === NO_VALUE) return NO_VALUE;
    values.push(value);
  }
  return values;
}

/** Converts an object that has exactly the struct's fields. */
function toStruct(
  { members = [] }: ColumnType,
  answer: Json | undefined,
  keepsJson: boolean,
): ReadValue {
  if (!isObject(answer) || Object.keys(answer).length !== members.length) return NO_VALUE;
  const fields: Record<string, Json> = Object.create(null);
  for (const { name, type } of members) {
    const key = keyOf(answer, name);
    const value = key === undefined ? NO_VALUE : partOf(type, answer[key]!, keepsJson);
    if (value === NO_VALUE) return NO_VALUE;
    fields[name] = value;
  }
  return fields;
}

function toMap(
  { key: keyType, element }: ColumnType,
  answer: Json | undefined,
  keepsJson: boolean,
): ReadValue {
  if (!isObject(answer)) return NO_VALUE;
  const entries: Record<string, Json> = Object.create(null);
  const known = new Set<string>();
  for (const [name, item] of Object.entries(answer)) {
    const key = convertValue(keyType!, name);
    const value = partOf(element!, item, keepsJson);
    if (key === NO_VALUE || value === NO_VALUE) return NO_VALUE;
    const identity = keyIdentity(keyType!, key);
    if (known.has(identity)) return NO_VALUE;
    known.add(identity);
    entries[String(key)] = value;
  }
  return entries;
}

/** Converts `{ tag: value }`, or a value that the first possible alternative accepts. */
function toUnion({ members = [] }: ColumnType, answer: Json, keepsJson: boolean): ReadValue {
  const whole = parsed(answer);
  const [tag, ...more] = isObject(whole) ? Object.keys(whole) : [];
  const tagged = more.length > 0 ? undefined : members.find(({ name }) => name === tag);
  if (tagged !== undefined) {
    const value = partOf(tagged.type, (whole as Readonly<Record<string, Json>>)[tag!]!, keepsJson);
    return value === NO_VALUE ? NO_VALUE : { [tagged.name]: value };
  }
  for (const { name, type } of members) {
    const value = convertValue(type, answer, keepsJson);
    if (value !== NO_VALUE) return { [name]: value };
  }
  return NO_VALUE;
}

/** Returns the key that equals the name, or else the only key that differs from the name just in case. */
export function keyOf(object: Readonly<Record<string, Json>>, name: string): string | undefined {
  if (Object.hasOwn(object, name)) return name;
  const [like, ...more] = Object.keys(object).filter(
    (key) => key.toLowerCase() === name.toLowerCase(),
  );
  return more.length === 0 ? like : undefined;
}
