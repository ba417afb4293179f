/** Converts single DuckDB values to their JavaScript and JSON forms, which `docs/values.md` lists by type. */

import type { DuckDBTypeId, DuckDBValue } from '@duckdb/node-api';
import type { ValueForm } from '../result.ts';
import { nodeApi } from './node-api.ts';
import { dateText, isInfinite, type TimestampUnit, timestampText } from './value-text.ts';

/** Converts one value that is not NULL. */
export type ScalarConverter = (value: DuckDBValue) => unknown;

const MAX_DATE_MS = 8.64e15;
const MS_PER_DAY = 86_400_000;

function asText(value: DuckDBValue): unknown {
  return String(value);
}

function asIs(value: DuckDBValue): unknown {
  return value;
}

/** Returns an integer as a number if a double holds it exactly, else as text. */
export function jsonInteger(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}

/** Returns a double as a number if JSON can hold it, else `'NaN'`, `'Infinity'` or `'-Infinity'`. */
export function jsonDouble(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

/** Returns a decimal as a number if the number, printed with the same digits, gives the same text; else as text. */
function decimalNumber(value: DuckDBValue): number | string {
  const text = String(value);
  const number = Number(text);
  const point = text.indexOf('.');
  const scale = point < 0 ? 0 : text.length - point - 1;
  return number.toFixed(scale) === text ? number : text;
}

/** Returns a Date if a Date holds the instant exactly, else undefined. */
function exactDate(ticks: bigint, unit: TimestampUnit): Date | undefined {
  if (isInfinite(ticks)) return undefined;
  let milliseconds: bigint;
  if (unit === 1n) milliseconds = ticks * 1_000n;
  else {
    const perMillisecond = unit / 1_000n;
    if (ticks % perMillisecond !== 0n) return undefined;
    milliseconds = ticks / perMillisecond;
  }
  const number = Number(milliseconds);
  return Math.abs(number) <= MAX_DATE_MS ? new Date(number) : undefined;
}

function timestampConverter(
  form: ValueForm,
  unit: TimestampUnit,
  ticksOf: (value: never) => bigint,
  zone = '',
): ScalarConverter {
  return (value) => {
    const ticks = ticksOf(value as never);
    const date = form === 'js' ? exactDate(ticks, unit) : undefined;
    return date ?? timestampText(ticks, unit, zone);
  };
}

function dateConverter(form: ValueForm): ScalarConverter {
  return (value) => {
    const { days } = value as unknown as { readonly days: number };
    const milliseconds = days * MS_PER_DAY;
    if (form === 'js' && Math.abs(milliseconds) <= MAX_DATE_MS) return new Date(milliseconds);
    return dateText(days);
  };
}

/** Returns bytes as DuckDB prints a BLOB: printable ASCII as it is; quotes, `\` and all other bytes as `\xNN`. */
export function blobText(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) {
    const plain = byte >= 0x20 && byte <= 0x7e && byte !== 0x22 && byte !== 0x27 && byte !== 0x5c;
    text += plain
      ? String.fromCharCode(byte)
      : `\\x${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return text;
}

function bytesConverter(form: ValueForm): ScalarConverter {
  return (value) => {
    const { bytes } = value as unknown as { readonly bytes: Uint8Array };
    // The bytes are copied, because they may be a view of a chunk that DuckDB frees.
    return form === 'js' ? Uint8Array.from(bytes) : blobText(bytes);
  };
}

/** Returns the converter of a type whose values hold no other values; undefined for any other type. */
export function scalarConverter(
  typeId: DuckDBTypeId,
  form: ValueForm,
): ScalarConverter | undefined {
  const { DuckDBTypeId: Id } = nodeApi();
  switch (typeId) {
    case Id.BOOLEAN:
    case Id.VARCHAR:
    case Id.ENUM:
    case Id.TINYINT:
    case Id.SMALLINT:
    case Id.INTEGER:
    case Id.UTINYINT:
    case Id.USMALLINT:
    case Id.UINTEGER:
      return asIs;
    case Id.FLOAT:
    case Id.DOUBLE:
      return form === 'js' ? asIs : (value) => jsonDouble(value as number);
    case Id.BIGINT:
    case Id.UBIGINT:
    case Id.HUGEINT:
    case Id.UHUGEINT:
    case Id.BIGNUM:
      return form === 'js' ? asIs : (value) => jsonInteger(value as bigint);
    case Id.DATE:
      return dateConverter(form);
    case Id.TIMESTAMP:
      return timestampConverter(form, 1_000_000n, (value: { micros: bigint }) => value.micros);
    case Id.TIMESTAMP_TZ:
      return timestampConverter(
        form,
        1_000_000n,
        (value: { micros: bigint }) => value.micros,
        '+00',
      );
    case Id.TIMESTAMP_S:
      return timestampConverter(form, 1n, (value: { seconds: bigint }) => value.seconds);
    case Id.TIMESTAMP_MS:
      return timestampConverter(form, 1_000n, (value: { millis: bigint }) => value.millis);
    case Id.TIMESTAMP_NS:
      return timestampConverter(form, 1_000_000_000n, (value: { nanos: bigint }) => value.nanos);
    case Id.BLOB:
    case Id.GEOMETRY:
      return bytesConverter(form);
    case Id.DECIMAL:
      return form === 'json-numbers' ? decimalNumber : asText;
    case Id.INTERVAL:
    case Id.UUID:
    case Id.BIT:
    case Id.TIME:
    case Id.TIME_TZ:
    case Id.TIME_NS:
      return asText;
    default:
      return undefined;
  }
}
