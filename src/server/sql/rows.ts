/** Rows on the wire: their description and their encoding. */
import type { ResultColumn, Row } from '../../result.ts';
import type { FormatCode } from './protocol/read-messages.ts';
import type { FieldDescription, MessageWriter } from './protocol/write-messages.ts';
import { refusal } from './protocol-error.ts';
import { type ValueEncoder, valueEncoder } from './types/encode.ts';
import { pgTypeOf } from './types/pg-types.ts';
import type { Zone } from './types/zone.ts';

/** Returns the description of a result's columns. */
export function rowFields(
  columns: readonly ResultColumn[],
  formats: readonly FormatCode[],
): readonly FieldDescription[] {
  checkFormats(columns, formats);
  return columns.map(({ name, type }, index) => {
    const { oid, size, modifier } = pgTypeOf(type);
    return { name, oid, size, modifier, format: formatOf(formats, index) };
  });
}

/** Returns the function that writes the values of a row, each with its length, behind their number. */
export function valuesWriter(
  encoders: readonly { readonly name: string; readonly encode: ValueEncoder }[],
): (row: Row, out: MessageWriter) => void {
  return (row, out) => {
    out.int16(encoders.length);
    for (const { name, encode } of encoders) {
      const value = row[name];
      if (value === null || value === undefined) out.int32(-1);
      else {
        const start = out.beginSized();
        encode(value, out);
        out.endSized(start);
      }
    }
  };
}

/**
 * Returns the function that writes a row as a DataRow. `promised` are the columns that the client was told of, and
 * `columns` those that came.
 */
export function rowEncoder(
  columns: readonly ResultColumn[],
  promised: readonly ResultColumn[],
  formats: readonly FormatCode[],
  zone: Zone,
): (row: Row, out: MessageWriter) => void {
  checkFormats(columns, formats);
  if (promised.length > 0 && promised.length !== columns.length) {
    throw refusal(
      '0A000',
      `the result has ${columns.length} columns now, and had ${promised.length} when the statement was described: prepare it again`,
    );
  }
  const encoders = columns.map(({ name, type }, index) => {
    const pgType = pgTypeOf(promised[index]?.type ?? type);
    return { name, encode: valueEncoder(type, pgType, formatOf(formats, index), zone) };
  });
  const write = valuesWriter(encoders);
  return (row, out) => {
    write(row, out.begin('D'));
    out.end();
  };
}

/** One format holds for all columns, and none means text. */
function formatOf(formats: readonly FormatCode[], index: number): FormatCode {
  return (formats.length === 1 ? formats[0] : formats[index]) ?? 0;
}

function checkFormats(columns: readonly ResultColumn[], formats: readonly FormatCode[]): void {
  if (formats.length <= 1 || columns.length === 0 || formats.length === columns.length) return;
  throw refusal(
    '08P01',
    `the Bind message has ${formats.length} result formats, and the result has ${columns.length} columns`,
  );
}
