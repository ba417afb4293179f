/** Encodes values of results, in the engine's json form, as the text and binary formats of Postgres have them. */
import { timestampText } from '../../../duck/value-text.ts';
import type { FormatCode } from '../protocol/read-messages.ts';
import type { MessageWriter } from '../protocol/write-messages.ts';
import { refusal } from '../protocol-error.ts';
import { type DuckType, readDuckType } from './duck-type.ts';
import { jsonText } from './json-text.ts';
import { writeNumeric } from './numeric.ts';
import type { PgName } from './oids.ts';
import { isJson, type PgType, pgType, pgTypeOf } from './pg-types.ts';
import {
  EPOCH_DAYS,
  EPOCH_MICROS,
  INFINITY_DAYS,
  INFINITY_MICROS,
  pgEra,
  readClock,
  readDate,
  readInterval,
  readTimestamp,
} from './times.ts';
import { offsetText, Zone } from './zone.ts';

/** Writes a value that is not NULL, without its length. */
export type ValueEncoder = (value: unknown, out: MessageWriter) => void;

/** Returns the text of a value that is not NULL. */
type ToText = (value: unknown) => string;

/** The binary formats that are text depend on no time zone. */
const UTC = new Zone('UTC');
const INT64_MIN = -(2n ** 63n);

/** For each type, the types that hold all its values. Values of any type can go out as text. */
const HELD_BY: Partial<Record<PgName, readonly PgName[]>> = {
  int2: ['int4', 'int8', 'numeric', 'float8'],
  int4: ['int8', 'numeric', 'float8'],
  int8: ['numeric', 'float8'],
  float4: ['float8'],
  float8: ['numeric'],
  text: ['json'],
};

/**
 * Returns the encoder of a column. `duckType` is the column's type in DuckDB, and `promised` the type that the client
 * was told. They differ if a table changed since, or if DuckDB knows that an operand is NULL. A value that the promised
 * type does not hold is refused.
 */
export function valueEncoder(
  duckType: string,
  promised: PgType,
  format: FormatCode,
  zone: Zone,
): ValueEncoder {
  const type = readDuckType(duckType);
  const own = pgTypeOf(duckType);
  const isHeld =
    promised.oid === own.oid ||
    promised.oid === pgType('text').oid ||
    (promised.isArray === own.isArray &&
      (promised.name === 'text' ||
        promised.name === own.name ||
        HELD_BY[own.name]?.includes(promised.name) === true));
  if (!isHeld) {
    return () => {
      throw refusal(
        '0A000',
        `a column is ${duckType} now, and was another type when the statement was described: prepare the statement again`,
      );
    };
  }
  const toText = textOf(type, zone);
  if (format === 0) return (value, out) => out.text(toText(value));
  return promised.isArray ? arrayEncoder(type, promised) : binaryOf(promised, toText);
}

/** Returns the function that prints a value as Postgres prints its type. */
export function textOf(type: DuckType, zone: Zone): ToText {
  if (isJson(type)) return (value) => jsonText(type, value);
  if (type.kind === 'list')
    return arrayText(textOf(type.element, zone), type.element.kind === 'list');
  if (type.kind !== 'scalar') return String;
  switch (type.name) {
    case 'BOOLEAN':
      return (value) => (value === true ? 't' : 'f');
    case 'FLOAT':
      return floatText;
    case 'DOUBLE':
      return (value) => (Object.is(value, -0) ? '-0' : String(value));
    case 'BLOB':
    case 'GEOMETRY':
      return (value) => `\\x${blobBytes(String(value)).toString('hex')}`;
    case 'DATE':
    case 'TIMESTAMP':
    case 'TIMESTAMP_S':
    case 'TIMESTAMP_MS':
      return (value) => pgEra(String(value));
    case 'TIMESTAMP WITH TIME ZONE':
      return (value) => zonedText(String(value), zone);
    case 'INTERVAL':
      return (value) => String(value).replace(/month/g, 'mon');
    case 'VARIANT':
      return (value) => JSON.stringify(value);
    default:
      return String;
  }
}

/** Returns the shortest text that is the same 32-bit float again. */
function floatText(value: unknown): string {
  if (typeof value !== 'number') return String(value);
  if (Object.is(value, -0)) return '-0';
  for (let digits = 6; digits < 9; digits += 1) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === value) return String(Number(text));
  }
  return String(Number(value.toPrecision(9)));
}

/** Returns the bytes of a BLOB in DuckDB's text. */
export function blobBytes(text: string): Buffer {
  const plain = text.replace(/\\x([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(plain, 'latin1');
}

/** Prints an instant, given in UTC, in the session's time zone. */
function zonedText(utc: string, zone: Zone): string {
  const instant = readTimestamp(utc);
  if (instant === undefined) return utc;
  const offset = zone.offsetAt(Number(instant.micros / 1_000n));
  if (offset === 0) return pgEra(utc);
  const shown = instant.micros + BigInt(offset) * 1_000_000n;
  return pgEra(timestampText(shown, 1_000_000n, offsetText(offset)));
}

function arrayText(element: ToText, isNested: boolean): ToText {
  return (value) => {
    const items = (value as readonly unknown[]).map((item) => {
      if (item === null) return 'NULL';
      const text = element(item);
      return isNested ? text : quoted(text);
    });
    return `{${items.join(',')}}`;
  };
}

/** Quotes an item of an array's text where it must be quoted. */
function quoted(text: string): string {
  const isPlain = text !== '' && !/[{}",\\\s]/.test(text) && !/^null$/i.test(text);
  return isPlain ? text : `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** Returns the encoder of the binary format of a scalar type. */
function binaryOf({ name }: PgType, toText: ToText): ValueEncoder {
  switch (name) {
    case 'bool':
      return (value, out) => out.byte(value === true ? 1 : 0);
    case 'int2':
      return (value, out) => out.int16(Number(value));
    case 'int4':
      return (value, out) => out.int32(Number(value));
    case 'int8':
      return (value, out) => out.int64(BigInt(value as number | string));
    case 'float4':
      return (value, out) => out.float32(Number(value));
    case 'float8':
      return (value, out) => out.float64(Number(value));
    case 'numeric':
      return (value, out) => writeNumeric(String(value), out);
    case 'bytea':
      return (value, out) => out.raw(blobBytes(String(value)));
    case 'date':
      return (value, out) => out.int32(daysOf(String(value)));
    case 'time':
      return (value, out) => out.int64(readClock(String(value))!.micros);
    case 'timetz':
      return (value, out) => {
        const { micros, zone = 0 } = readClock(String(value))!;
        out.int64(micros).int32(-zone);
      };
    case 'timestamp':
    case 'timestamptz':
      return (value, out) => out.int64(microsOf(String(value)));
    case 'interval':
      return (value, out) => {
        const { months, days, micros } = readInterval(String(value)) ?? {
          months: 0,
          days: 0,
          micros: 0n,
        };
        out.int64(micros).int32(days).int32(months);
      };
    case 'uuid':
      return (value, out) => out.raw(Buffer.from(String(value).replaceAll('-', ''), 'hex'));
    default:
      return (value, out) => out.text(toText(value));
  }
}

function daysOf(text: string): number {
  if (text === 'infinity') return INFINITY_DAYS;
  if (text === '-infinity') return -INFINITY_DAYS - 1;
  const days = readDate(text)!.days - EPOCH_DAYS;
  if (days < -(2 ** 31) + 1) throw outOfRange('date', text);
  return days;
}

function microsOf(text: string): bigint {
  if (text === 'infinity') return INFINITY_MICROS;
  if (text === '-infinity') return INT64_MIN;
  const micros = readTimestamp(text)!.micros - EPOCH_MICROS;
  if (micros <= INT64_MIN) throw outOfRange('timestamp', text);
  return micros;
}

function outOfRange(what: string, text: string): Error {
  return refusal(
    '22008',
    `the ${what} ${text} is out of the range of the binary format: ask for text, or cast it to VARCHAR`,
  );
}

/** Returns the encoder of the binary format of an array. */
function arrayEncoder(type: DuckType, { name }: PgType): ValueEncoder {
  let element = type;
  while (element.kind === 'list') element = element.element;
  const item = pgType(name);
  const encode = binaryOf(item, textOf(element, UTC));
  return (value, out) => {
    const lengths = dimensions(value as readonly unknown[]);
    const items = (value as readonly unknown[]).flat(lengths.length - 1);
    const isEmpty = items.length === 0;
    out
      .int32(isEmpty ? 0 : lengths.length)
      .int32(items.includes(null) ? 1 : 0)
      .int32(item.oid);
    if (isEmpty) return;
    for (const length of lengths) out.int32(length).int32(1);
    for (const each of items) {
      if (each === null) out.int32(-1);
      else {
        const start = out.beginSized();
        encode(each, out);
        out.endSized(start);
      }
    }
  };
}

/** Returns the lengths of an array's dimensions. Postgres has arrays of equal rows alone. */
function dimensions(value: readonly unknown[]): readonly number[] {
  const [first] = value;
  if (!value.some(Array.isArray)) return [value.length];
  const inner = Array.isArray(first) ? dimensions(first) : [];
  const isEven = value.every(
    (each) => Array.isArray(each) && String(dimensions(each)) === String(inner),
  );
  if (isEven) return [value.length, ...inner];
  throw refusal(
    '2202E',
    'the lists in a list have different lengths, which the binary format of an array cannot hold: ask for text, or send to_json(…)',
  );
}
