/** What an operator's cascade gave, as a value of the operator's type: exactly that, or a failure. */
import type { Failure } from '../errors.ts';
import { MESSAGE_VALUE_CHARS } from '../limits.ts';
import type { Json } from '../util/json.ts';
import { type ColumnType, integerBounds, readColumnType } from './column-type.ts';
import { convertDate, convertTime, convertTimestamp } from './convert-time.ts';
import { sqlFunctionOf } from './function-file.ts';
import type { Operator } from './operator.ts';

/**
 * A value that DuckDB casts to the operator's type without loss: booleans, finite numbers and texts; integers
 * beyond 2^53, decimals, dates and JSON are texts; lists are lists of these.
 */
export type Converted =
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly error: Failure };

/** Stands for "this is no value of the type". */
const NO_VALUE = Symbol('no value');
type ReadValue = Json | typeof NO_VALUE;

const INTEGER = /^-?(?:0|[1-9]\d*)$/;
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const DECIMAL = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?$/;
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
const FENCE = /^```[^\n`]*\n([\s\S]*?)\n?```$/;

/**
 * The value of a run, or its text, as the type that the operator returns. null stays null. A text may stand in
 * one Markdown fence and between spaces. A BOOLEAN is true or false in any case of letters, never yes, 1 or a
 * sentence; a number is one as JSON writes it, finite and within the type and the file's `minimum` and
 * `maximum`; nothing is rounded. All else is RVB_TYPE_MISMATCH.
 */
export function convertAnswer(
  operator: Pick<Operator, 'name' | 'returns' | 'cascade'>,
  answer: Json,
): Converted {
  const type = readColumnType(operator.returns);
  if (answer === null) return { ok: true, value: null };
  const value = type === undefined ? NO_VALUE : convert(type, answer);
  if (value === NO_VALUE) {
    return refuse(`${operator.name} gives ${operator.returns}, and ${shown(answer)} is none`);
  }
  const { minimum, maximum } = sqlFunctionOf(operator.cascade) ?? {};
  for (const each of Array.isArray(value) ? (value as readonly Json[]) : [value]) {
    if (each === null) continue;
    const isLess = minimum !== undefined && Number(each) < minimum;
    if (isLess || (maximum !== undefined && Number(each) > maximum)) {
      const bounds = `${minimum ?? 'the least'} to ${maximum ?? 'the greatest'}`;
      return refuse(`${operator.name} gives ${bounds}, and ${shown(answer)} is not in it`);
    }
  }
  return { ok: true, value };
}

function refuse(message: string): Converted {
  return { ok: false, error: { code: 'RVB_TYPE_MISMATCH', message } };
}

function shown(answer: Json): string {
  const text = JSON.stringify(answer);
  return text.length <= MESSAGE_VALUE_CHARS ? text : `${text.slice(0, MESSAGE_VALUE_CHARS - 1)}…`;
}

function convert(type: ColumnType, answer: Json): ReadValue {
  const bare = typeof answer === 'string' ? unfenced(answer) : answer;
  switch (type.family) {
    case 'text':
      if (typeof bare === 'string') return bare;
      return typeof bare === 'object' ? JSON.stringify(bare) : String(bare);
    case 'json':
      return toJsonText(bare);
    case 'list':
      return toList(type.element!, bare);
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
      return fromText(trimmed(bare), convertTime);
    case 'timestamp':
      return fromText(trimmed(bare), (text) => convertTimestamp(text, type.name !== 'TIMESTAMP'));
  }
}

/** Without the one Markdown fence that is all of a text. */
function unfenced(text: string): string {
  const inner = FENCE.exec(text.trim())?.[1];
  return inner === undefined || inner.includes('```') ? text : inner;
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

/** As text, with the figures that the type has: 1.5 is a DECIMAL(10,2) and 1.555 is none. */
function toDecimal(answer: Json, { width = 0, scale = 0 }: ColumnType): ReadValue {
  const match = DECIMAL.exec(typeof answer === 'number' ? String(answer) : String(answer ?? ''));
  if (match === null || typeof answer === 'boolean' || typeof answer === 'object') return NO_VALUE;
  const [, sign, whole = '', fraction = ''] = match;
  const kept = fraction.replace(/0+$/, '');
  const digits = whole === '0' ? 0 : whole.length;
  if (kept.length > scale || digits > width - scale) return NO_VALUE;
  const figures = `${whole}${kept === '' ? '' : `.${kept}`}`;
  return figures === '0' ? '0' : `${sign}${figures}`;
}

/** Text that is JSON is that JSON; another text is none. */
function toJsonText(answer: Json): ReadValue {
  if (typeof answer !== 'string') return JSON.stringify(answer);
  try {
    return JSON.stringify(JSON.parse(answer));
  } catch {
    return NO_VALUE;
  }
}

function toList(element: ColumnType, answer: Json): ReadValue {
  let list: unknown = answer;
  if (typeof answer === 'string') {
    try {
      list = JSON.parse(answer);
    } catch {
      return NO_VALUE;
    }
  }
  if (!Array.isArray(list)) return NO_VALUE;
  const values: Json[] = [];
  for (const item of list as readonly Json[]) {
    const value = item === null ? null : convert(element, item);
    if (value === NO_VALUE) return NO_VALUE;
    values.push(value);
  }
  return values;
}
