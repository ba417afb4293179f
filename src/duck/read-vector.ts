/** Converts whole vectors to arrays of JavaScript or JSON values, with one loop per type. */

import type {
  DuckDBArrayType,
  DuckDBDecimalType,
  DuckDBListVector,
  DuckDBStructType,
  DuckDBStructVector,
  DuckDBUnionType,
  DuckDBVector,
} from '@duckdb/node-api';
import type { ValueForm } from '../result.ts';
import { structKeys } from './columns.ts';
import { jsonDouble, jsonInteger, scalarConverter } from './convert-scalar.ts';
import { convertVariant } from './convert-variant.ts';
import { nodeApi } from './node-api.ts';
import { objectOf } from './plain-object.ts';
import { readStrings } from './read-strings.ts';
import {
  arrayChild,
  bytesOf,
  mapList,
  numbersOf,
  unionStruct,
  validityBytes,
} from './vector-access.ts';

/** The bytes of the item of a text, which holds its length first; no item of a simple type has more. */
const ITEM_BYTES = 16;

/** Returns the values of a vector from a result's chunk. NULL becomes null. */
export function readVector(vector: DuckDBVector, form: ValueForm): unknown[] {
  const { DuckDBTypeId: Id } = nodeApi();
  const { typeId } = vector.type;
  switch (typeId) {
    case Id.VARCHAR:
      return readStrings(vector);
    case Id.TINYINT:
    case Id.SMALLINT:
    case Id.INTEGER:
    case Id.UTINYINT:
    case Id.USMALLINT:
    case Id.UINTEGER:
      return withNulls(Array.from(numbersOf<ArrayLike<number>>(vector)), vector);
    case Id.FLOAT:
    case Id.DOUBLE: {
      const numbers = numbersOf<ArrayLike<number>>(vector);
      return withNulls(
        form === 'js' ? Array.from(numbers) : Array.from(numbers, jsonDouble),
        vector,
      );
    }
    case Id.BIGINT:
    case Id.UBIGINT: {
      const integers = numbersOf<ArrayLike<bigint>>(vector);
      return withNulls(
        form === 'js' ? Array.from(integers) : Array.from(integers, jsonInteger),
        vector,
      );
    }
    case Id.BOOLEAN:
      return readBooleans(vector);
    case Id.DECIMAL:
      return form === 'json-numbers' ? readItems(vector, form) : readDecimals(vector);
    case Id.LIST:
      return readLists(vector as DuckDBListVector, form, vector);
    case Id.ARRAY:
      return readArrays(vector, form);
    case Id.MAP:
      return readLists(mapList(vector), form, mapList(vector));
    case Id.STRUCT:
      return readStructs(vector as DuckDBStructVector, form);
    case Id.UNION:
      return readUnions(vector, form);
    default:
      return readItems(vector, form);
  }
}

/** Returns about how many bytes the values of a vector take. */
export function vectorBytes(vector: DuckDBVector): number {
  const { DuckDBTypeId: Id } = nodeApi();
  switch (vector.type.typeId) {
    case Id.VARCHAR:
    case Id.BLOB: {
      const view = bytesOf(vector);
      let bytes = view.byteLength;
      for (let at = 0; at < view.byteLength; at += ITEM_BYTES) bytes += view.getUint32(at, true);
      return bytes;
    }
    case Id.LIST:
      return vectorBytes((vector as DuckDBListVector).childVector);
    case Id.MAP:
      return vectorBytes(mapList(vector).childVector);
    case Id.ARRAY:
      return vectorBytes(arrayChild(vector));
    case Id.STRUCT: {
      const { entryCount } = vector.type as DuckDBStructType;
      const fields = Array.from({ length: entryCount }, (_, index) =>
        vectorBytes((vector as DuckDBStructVector).entryVectorAt(index)),
      );
      return fields.reduce((sum, bytes) => sum + bytes, 0);
    }
    default:
      return vector.itemCount * ITEM_BYTES;
  }
}

function isNull(valid: Uint8Array | undefined, row: number): boolean {
  return valid !== undefined && (valid[row >> 3]! & (1 << (row & 7))) === 0;
}

function withNulls(values: unknown[], vector: DuckDBVector): unknown[] {
  const valid = validityBytes(vector);
  if (valid === undefined) return values;
  for (let row = 0; row < values.length; row += 1) {
    if (isNull(valid, row)) values[row] = null;
  }
  return values;
}

function readBooleans(vector: DuckDBVector): unknown[] {
  const view = bytesOf(vector);
  const width = vector.itemCount === 0 ? 1 : view.byteLength / vector.itemCount;
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  const values = Array.from({ length: vector.itemCount }, (_, row) => bytes[row * width] !== 0);
  return withNulls(values, vector);
}

/** Reads decimals as texts. Those of at most 15 digits, which most are, without a bigint for each. */
function readDecimals(vector: DuckDBVector): unknown[] {
  const { scale } = vector.type as DuckDBDecimalType;
  const view = bytesOf(vector);
  const width = vector.itemCount === 0 ? 1 : view.byteLength / vector.itemCount;
  const valid = validityBytes(vector);
  const values = new Array<unknown>(vector.itemCount);
  for (let row = 0; row < values.length; row += 1) {
    if (isNull(valid, row)) values[row] = null;
    else {
      const scaled = shortInteger(view, row * width, width);
      values[row] = scaled === undefined ? String(vector.getItem(row)) : decimalText(scaled, scale);
    }
  }
  return values;
}

/** Returns an integer of 2, 4, 8 or 16 bytes that has at most 48 bits; undefined for another one. */
function shortInteger(view: DataView, at: number, width: number): number | undefined {
  if (width === 2) return view.getInt16(at, true);
  if (width === 4) return view.getInt32(at, true);
  const high = view.getInt32(at + 4, true);
  if (high < -(2 ** 15) || high >= 2 ** 15) return undefined;
  const sign = high < 0 ? -1 : 0;
  const isShort =
    width === 8 || (view.getInt32(at + 8, true) === sign && view.getInt32(at + 12, true) === sign);
  return isShort ? high * 2 ** 32 + view.getUint32(at, true) : undefined;
}

function decimalText(scaled: number, scale: number): string {
  if (scale === 0) return String(scaled);
  const digits = String(Math.abs(scaled)).padStart(scale + 1, '0');
  const point = digits.length - scale;
  return `${scaled < 0 ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`;
}

function readItems(vector: DuckDBVector, form: ValueForm): unknown[] {
  const convert =
    scalarConverter(vector.type.typeId, form) ?? ((value) => convertVariant(value, form));
  const values = new Array<unknown>(vector.itemCount);
  for (let row = 0; row < values.length; row += 1) {
    const item = vector.getItem(row);
    values[row] = item === null ? null : convert(item);
  }
  return values;
}

/** Reads lists and maps. DuckDB stores a map as a list of `{key, value}` structs. */
function readLists(list: DuckDBListVector, form: ValueForm, vector: DuckDBVector): unknown[] {
  const valid = validityBytes(vector);
  const children = readVector(list.childVector, form);
  const values = new Array<unknown>(list.itemCount);
  for (let row = 0; row < values.length; row += 1) {
    if (isNull(valid, row)) values[row] = null;
    else {
      const start = list.getEntryOffset(row);
      values[row] = children.slice(start, start + list.getEntryLength(row));
    }
  }
  return values;
}

function readArrays(vector: DuckDBVector, form: ValueForm): unknown[] {
  const valid = validityBytes(vector);
  const { length } = vector.type as DuckDBArrayType;
  const children = readVector(arrayChild(vector), form);
  return Array.from({ length: vector.itemCount }, (_, row) =>
    isNull(valid, row) ? null : children.slice(row * length, (row + 1) * length),
  );
}

function readStructs(vector: DuckDBStructVector, form: ValueForm): unknown[] {
  const keys = structKeys(vector.type as DuckDBStructType);
  const fields = keys.map((_, index) => readVector(vector.entryVectorAt(index), form));
  return Array.from({ length: vector.itemCount }, (_, row) =>
    vector.isItemValid(row) ? objectOf(keys, (index) => fields[index]![row]) : null,
  );
}

function readUnions(vector: DuckDBVector, form: ValueForm): unknown[] {
  const { memberTags } = vector.type as DuckDBUnionType;
  const struct = unionStruct(vector);
  const tags = readVector(struct.entryVectorAt(0), form);
  const members = memberTags.map((_, index) => readVector(struct.entryVectorAt(index + 1), form));
  return tags.map((tag, row) =>
    tag === null ? null : { tag: memberTags[Number(tag)], value: members[Number(tag)]![row] },
  );
}
