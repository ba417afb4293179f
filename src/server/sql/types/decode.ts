/** Decodes the parameters of a client, in text and in binary, to values that the engine binds with their types. */
import type { DuckDBType, DuckDBValue } from '@duckdb/node-api';
import { nodeApi } from '../../../duck/node-api.ts';
import { TypedValue } from '../../../duck/parameters.ts';
import { type FormatCode, utf8 } from '../protocol/read-messages.ts';
import { refusal } from '../protocol-error.ts';
import { readDecimal, readNumeric } from './numeric.ts';
import type { PgName } from './oids.ts';
import { type PgType, pgType } from './pg-types.ts';
import {
  clockText,
  pgDateText,
  pgTimestampText,
  readClock,
  readDate,
  readInterval,
  readTimestamp,
} from './times.ts';
import { offsetText } from './zone.ts';

/** The most dimensions of an array, as in PostgreSQL. */
const MAX_DIMENSIONS = 6;
/** The digits of DuckDB's widest DECIMAL. */
const DECIMAL_DIGITS = 38;
const INT64_MAX = 2n ** 63n - 1n;

/** A value with its type; undefined if the text is not in the form that this server reads. */
type Typed = { readonly value: DuckDBValue; readonly type: DuckDBType } | undefined;

/**
 * Decodes a parameter. A text that its type's reader does not know, such as a date in words, is bound as text, and
 * DuckDB converts it or says why it cannot. `type` is undefined for a type that this server does not know.
 */
export function decodeParameter(
  bytes: Buffer,
  format: FormatCode,
  type: PgType | undefined,
  zoneOffset: (milliseconds: number) => number,
): unknown {
  if (type === undefined) {
    if (format === 0) return utf8(bytes, 'a parameter');
    throw refusal(
      '0A000',
      'a parameter is in the binary format of a type that this server does not know: send it as text',
    );
  }
  if (type.isArray) {
    const items = format === 0 ? readArrayText(utf8(bytes, 'a parameter')) : readArrayBytes(bytes);
    const item = pgType(type.name);
    if (items === undefined) return utf8(bytes, 'a parameter');
    return typedList(items, item, zoneOffset);
  }
  const text = format === 0 ? utf8(bytes, 'a parameter') : binaryText(bytes, type.name);
  const typed = typedOf(text, type.name, zoneOffset);
  return typed === undefined ? text : new TypedValue(typed.value, typed.type);
}

/** Returns the text of a value in the binary format of its type. */
export function binaryText(bytes: Buffer, name: PgName): string {
  const fixed = (size: number) => {
    if (bytes.length === size) return bytes;
    throw refusal('22P03', `a binary ${name} parameter has ${bytes.length} bytes, and not ${size}`);
  };
  switch (name) {
    case 'bool':
      return fixed(1)[0] === 0 ? 'f' : 't';
    case 'int2':
      return String(fixed(2).readInt16BE(0));
    case 'int4':
      return String(fixed(4).readInt32BE(0));
    case 'oid':
      return String(fixed(4).readUInt32BE(0));
    case 'int8':
      return String(fixed(8).readBigInt64BE(0));
    case 'float4':
      return String(fixed(4).readFloatBE(0));
    case 'float8':
      return String(fixed(8).readDoubleBE(0));
    case 'numeric':
      return readNumeric(bytes);
    case 'bytea':
      return `\\x${bytes.toString('hex')}`;
    case 'date':
      return pgDateText(fixed(4).readInt32BE(0));
    case 'time':
      return clockText(fixed(8).readBigInt64BE(0));
    case 'timetz':
      return `${clockText(fixed(12).readBigInt64BE(0))}${offsetText(-bytes.readInt32BE(8))}`;
    case 'timestamp':
      return pgTimestampText(fixed(8).readBigInt64BE(0));
    case 'timestamptz':
      return pgTimestampText(fixed(8).readBigInt64BE(0), '+00');
    case 'interval': {
      const seconds = secondsText(fixed(16).readBigInt64BE(0));
      return `${bytes.readInt32BE(12)} mons ${bytes.readInt32BE(8)} days ${seconds}`;
    }
    case 'uuid':
      return fixed(16)
        .toString('hex')
        .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
    case 'jsonb':
      return utf8(bytes.subarray(1), 'a jsonb parameter');
    default:
      return utf8(bytes, `a ${name} parameter`);
  }
}

/** Returns microseconds as seconds with their unit, which `readInterval` reads. */
function secondsText(micros: bigint): string {
  const digits = String(micros < 0n ? -micros : micros).padStart(7, '0');
  return `${micros < 0n ? '-' : ''}${digits.slice(0, -6)}.${digits.slice(-6)} secs`;
}

function typedOf(text: string, name: PgName, zoneOffset: (milliseconds: number) => number): Typed {
  const api = nodeApi();
  switch (name) {
    case 'bool': {
      const is = /^\s*(?:(t|true|y|yes|on|1)|(f|false|n|no|off|0))\s*$/i.exec(text);
      return is === null ? undefined : { value: is[1] !== undefined, type: api.BOOLEAN };
    }
    case 'int2':
      return integerOf(text, api.SMALLINT, 2n ** 15n);
    case 'int4':
      return integerOf(text, api.INTEGER, 2n ** 31n);
    case 'oid':
    case 'int8':
      return integerOf(text, api.BIGINT, INT64_MAX + 1n);
    case 'float4':
      return doubleOf(text, api.FLOAT);
    case 'float8':
      return doubleOf(text);
    case 'numeric':
      return numericOf(text);
    case 'bytea':
      return { value: api.blobValue(byteaBytes(text)), type: api.BLOB };
    case 'date': {
      const date = readDate(text);
      if (date === undefined || date.rest.trim() !== '') return undefined;
      return { value: new api.DuckDBDateValue(date.days), type: api.DATE };
    }
    case 'time': {
      const clock = readClock(text);
      if (clock === undefined || clock.zone !== undefined || !isTimeOfDay(clock.micros))
        return undefined;
      return { value: new api.DuckDBTimeValue(clock.micros), type: api.TIME };
    }
    case 'timetz': {
      const clock = readClock(text);
      if (clock?.zone === undefined || !isTimeOfDay(clock.micros)) return undefined;
      const value = api.DuckDBTimeTZValue.fromMicrosAndOffset(clock.micros, clock.zone);
      return { value, type: api.TIMETZ };
    }
    case 'timestamp': {
      const clock = readTimestamp(text);
      if (clock === undefined || !isInt64(clock.micros)) return undefined;
      return { value: new api.DuckDBTimestampValue(clock.micros), type: api.TIMESTAMP };
    }
    case 'timestamptz': {
      const clock = readTimestamp(text);
      if (clock === undefined) return undefined;
      const zone = clock.zone ?? zoneOffset(Number(clock.micros / 1_000n));
      const micros = clock.micros - BigInt(zone) * 1_000_000n;
      return isInt64(micros)
        ? { value: new api.DuckDBTimestampTZValue(micros), type: api.TIMESTAMPTZ }
        : undefined;
    }
    case 'interval': {
      const parts = readInterval(text);
      if (parts === undefined || !isInt64(parts.micros)) return undefined;
      const { months, days, micros } = parts;
      return { value: new api.DuckDBIntervalValue(months, days, micros), type: api.INTERVAL };
    }
    case 'uuid': {
      const hex = text.replace(/[{}-]/g, '');
      if (!/^[0-9a-f]{32}$/i.test(hex)) return undefined;
      return { value: api.DuckDBUUIDValue.fromUint128(BigInt(`0x${hex}`)), type: api.UUID };
    }
    default:
      return undefined;
  }
}

function integerOf(text: string, type: DuckDBType, bound: bigint): Typed {
  if (!/^\s*[+-]?\d{1,19}\s*$/.test(text)) return undefined;
  const value = BigInt(text.trim().replace('+', ''));
  if (value < -bound || value >= bound) return undefined;
  const { BIGINT } = nodeApi();
  return { value: type === BIGINT ? value : Number(value), type };
}

function doubleOf(text: string, type: DuckDBType = nodeApi().DOUBLE): Typed {
  const written = text.trim().replace(/^([+-]?)inf(?:inity)?$/i, '$1Infinity');
  const value = Number(written);
  const isNumber = written !== '' && (!Number.isNaN(value) || /^nan$/i.test(written));
  return isNumber ? { value, type } : undefined;
}

/** A whole number with more digits than a DECIMAL has is bound as an integer. Any other is refused, and not rounded. */
function numericOf(text: string): Typed {
  const decimal = readDecimal(text);
  if (decimal === undefined) return doubleOf(text);
  const { BIGNUM, DECIMAL, DuckDBDecimalValue, HUGEINT } = nodeApi();
  // Digits that say nothing make room for others.
  const spare =
    decimal.digits.length > DECIMAL_DIGITS ? (/0*$/.exec(decimal.digits)?.[0].length ?? 0) : 0;
  const cut = Math.min(spare, decimal.scale);
  const scale = decimal.scale - cut;
  const digits = decimal.digits.slice(0, decimal.digits.length - cut);
  const amount = BigInt(digits || '0');
  const value = decimal.isNegative ? -amount : amount;
  const width = Math.max(1, digits.length, scale);
  if (width <= DECIMAL_DIGITS) {
    return { value: new DuckDBDecimalValue(value, width, scale), type: DECIMAL(width, scale) };
  }
  if (scale === 0) return { value, type: amount < 2n ** 127n ? HUGEINT : BIGNUM };
  throw refusal(
    '22003',
    `a numeric parameter has ${width} digits, and DuckDB's DECIMAL has at most ${DECIMAL_DIGITS}: round it`,
  );
}

function isTimeOfDay(micros: bigint): boolean {
  return micros >= 0n && micros <= 86_400_000_000n;
}

/** True for a number that is a finite timestamp or a time span of DuckDB. */
function isInt64(value: bigint): boolean {
  return value > -INT64_MAX && value < INT64_MAX;
}

/** Returns the bytes of a bytea text: `\x0a1b`, or the older form with `\012` for bytes and `\\`. */
export function byteaBytes(text: string): Buffer {
  if (text.startsWith('\\x')) {
    const hex = text.slice(2).replace(/\s+/g, '');
    if (/^(?:[0-9a-f]{2})*$/i.test(hex)) return Buffer.from(hex, 'hex');
    throw refusal(
      '22P02',
      'a bytea parameter begins with \\x, but what follows are not hex digits in pairs',
    );
  }
  const plain = Buffer.from(text, 'utf8').toString('latin1');
  const bytes = plain.replace(/\\(\\|[0-3][0-7]{2})/g, (_, code: string) =>
    code === '\\' ? '\\' : String.fromCharCode(Number.parseInt(code, 8)),
  );
  return Buffer.from(bytes, 'latin1');
}

/** An array's items, or its inner arrays: texts, bytes or NULL. */
export type Items = readonly (string | Buffer | null | Items)[];

/** Reads the text of an array, e.g. `{1,NULL,"a b"}`; undefined for any other text. */
export function readArrayText(text: string): Items | undefined {
  // The bounds of an array that does not begin at 1, `[0:1]={…}`, say nothing about its items.
  const source = text.trim().replace(/^(?:\[[-+]?\d+:[-+]?\d+\])+=/, '');
  const token = /\s*(?:([{},])|"((?:[^"\\]|\\[\s\S])*)"|((?:[^{},"\\]|\\[\s\S])+))\s*/y;
  const stack: (string | null | Items)[][] = [];
  let root: Items | undefined;
  while (token.lastIndex < source.length) {
    const match = token.exec(source);
    if (match === null || root !== undefined) return undefined;
    const [, sign, quotedItem, plainItem] = match;
    const open = stack.at(-1);
    if (sign === '{') {
      const items: (string | null | Items)[] = [];
      if (stack.length >= MAX_DIMENSIONS) return undefined;
      open?.push(items);
      stack.push(items);
    } else if (sign === '}') {
      if (stack.length === 1) root = open;
      stack.pop();
    } else if (open === undefined) return undefined;
    else if (quotedItem !== undefined) open.push(quotedItem.replace(/\\([\s\S])/g, '$1'));
    else if (plainItem !== undefined) {
      const item = plainItem.trim();
      open.push(/^null$/i.test(item) ? null : item.replace(/\\([\s\S])/g, '$1'));
    }
  }
  return root;
}

/** Reads the binary format of an array. Its counts are checked against its bytes. */
export function readArrayBytes(bytes: Buffer): Items {
  const wrong = () =>
    refusal('22P03', 'a binary array parameter does not have the bytes that it says it has');
  if (bytes.length < 12) throw wrong();
  const dimensions = bytes.readInt32BE(0);
  if (dimensions === 0) return [];
  if (dimensions < 0 || dimensions > MAX_DIMENSIONS || bytes.length < 12 + 8 * dimensions)
    throw wrong();
  const lengths = Array.from({ length: dimensions }, (_, index) =>
    bytes.readInt32BE(12 + 8 * index),
  );
  let at = 12 + 8 * dimensions;
  const count = lengths.reduce((product, length) => product * length, 1);
  if (lengths.some((length) => length < 0) || count * 4 > bytes.length - at) throw wrong();
  if (count === 0) return [];
  const read = (depth: number): Items =>
    Array.from({ length: lengths[depth]! }, () => {
      if (depth < dimensions - 1) return read(depth + 1);
      const length = at + 4 <= bytes.length ? bytes.readInt32BE(at) : -2;
      at += 4;
      if (length === -1) return null;
      if (length < 0 || at + length > bytes.length) throw wrong();
      at += length;
      return bytes.subarray(at - length, at);
    });
  return read(0);
}

/**
 * Returns the list of an array's items, of the type of an item. A list with an item that is not in its type's form has
 * texts, which DuckDB converts.
 */
export function typedList(
  items: Items,
  { name }: PgType,
  zoneOffset: (milliseconds: number) => number,
): TypedValue {
  const { LIST, VARCHAR, listValue } = nodeApi();
  const texts = leaves(items).map((item) =>
    Buffer.isBuffer(item) ? binaryText(item, name) : item,
  );
  const read = texts.map((text) => (text === null ? null : typedOf(text, name, zoneOffset)));
  const typed = name === 'numeric' ? alike(read) : read;
  const isTyped = typed.every((value) => value !== undefined);
  const values = isTyped ? typed.map((item) => item?.value ?? null) : texts;
  const item = typed.find((each) => each != null) ?? typedOf(ZEROS[name] ?? '0', name, zoneOffset);
  let next = 0;
  const convert = (list: Items): DuckDBValue =>
    listValue(list.map((item) => (Array.isArray(item) ? convert(item) : values[next++]!)));
  let type = LIST(isTyped ? (item?.type ?? VARCHAR) : VARCHAR);
  for (
    let inner = items.find(Array.isArray);
    inner !== undefined;
    inner = inner.find(Array.isArray)
  ) {
    type = LIST(type);
  }
  return new TypedValue(convert(items), type);
}

/** Texts of values that tell the type of a list without items. For all other types, it is 0. */
const ZEROS: Partial<Record<PgName, string>> = {
  date: '2000-01-01',
  time: '00:00',
  timetz: '00:00+00',
  timestamp: '2000-01-01',
  timestamptz: '2000-01-01',
  interval: '0 days',
  uuid: '0'.repeat(32),
};

/** Gives decimals the digits that all of them need; undefined for each where DuckDB has no such DECIMAL. */
function alike(items: readonly (Typed | null)[]): readonly (Typed | null)[] {
  const { DECIMAL, DuckDBDecimalValue } = nodeApi();
  const decimals = items.map((item) =>
    item?.value instanceof DuckDBDecimalValue ? item.value : undefined,
  );
  const scale = Math.max(0, ...decimals.map((each) => each?.scale ?? 0));
  const whole = Math.max(
    1,
    ...decimals.map((each) => (each === undefined ? 0 : each.width - each.scale)),
  );
  if (scale + whole > DECIMAL_DIGITS)
    return items.map((item) => (item === null ? null : undefined));
  const type = DECIMAL(scale + whole, scale);
  return items.map((item, index) => {
    if (item === null) return null;
    const decimal = decimals[index];
    if (decimal === undefined) return undefined;
    const value = decimal.value * 10n ** BigInt(scale - decimal.scale);
    return { value: new DuckDBDecimalValue(value, scale + whole, scale), type };
  });
}

function leaves(items: Items): (string | Buffer | null)[] {
  return items.flatMap((item) =>
    Array.isArray(item) ? leaves(item) : [item as string | Buffer | null],
  );
}
