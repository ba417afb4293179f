/** Converts VARIANT values, each of which carries its own type. */

import type { DuckDBType, DuckDBValue } from '@duckdb/node-api';
import type { ValueForm } from '../result.ts';
import { jsonDouble, jsonInteger, scalarConverter } from './convert-scalar.ts';
import { nodeApi } from './node-api.ts';
import { objectOf } from './plain-object.ts';

/** Converts a VARIANT's value, at any depth, like a value of the type that it holds. */
export function convertVariant(
  value: DuckDBValue,
  form: ValueForm,
  type?: DuckDBType | undefined,
): unknown {
  const api = nodeApi();
  if (value === null || value === undefined) return null;
  if (value instanceof api.DuckDBVariantValue) {
    return convertVariant(value.value, form, value.type ?? undefined);
  }
  if (value instanceof api.DuckDBListValue || value instanceof api.DuckDBArrayValue) {
    return value.items.map((item) => convertVariant(item, form));
  }
  if (value instanceof api.DuckDBStructValue) {
    const keys = Object.keys(value.entries);
    return objectOf(keys, (index) => convertVariant(value.entries[keys[index]!]!, form));
  }
  if (value instanceof api.DuckDBMapValue) {
    return value.entries.map((entry) => ({
      key: convertVariant(entry.key, form),
      value: convertVariant(entry.value, form),
    }));
  }
  if (value instanceof api.DuckDBUnionValue) {
    return { tag: value.tag, value: convertVariant(value.value, form) };
  }
  if (typeof value === 'number') return form === 'js' ? value : jsonDouble(value);
  if (typeof value === 'bigint') return form === 'js' ? value : jsonInteger(value);
  if (typeof value !== 'object') return value;
  const convert = type === undefined ? undefined : scalarConverter(type.typeId, form);
  return (convert ?? scalarConverter(typeOfObject(value), form) ?? String)(value);
}

function typeOfObject(value: object) {
  const api = nodeApi();
  const Id = api.DuckDBTypeId;
  if (value instanceof api.DuckDBDateValue) return Id.DATE;
  if (value instanceof api.DuckDBTimestampTZValue) return Id.TIMESTAMP_TZ;
  if (value instanceof api.DuckDBTimestampSecondsValue) return Id.TIMESTAMP_S;
  if (value instanceof api.DuckDBTimestampMillisecondsValue) return Id.TIMESTAMP_MS;
  if (value instanceof api.DuckDBTimestampNanosecondsValue) return Id.TIMESTAMP_NS;
  if (value instanceof api.DuckDBTimestampValue) return Id.TIMESTAMP;
  if (value instanceof api.DuckDBBlobValue) return Id.BLOB;
  if (value instanceof api.DuckDBGeometryValue) return Id.GEOMETRY;
  if (value instanceof api.DuckDBDecimalValue) return Id.DECIMAL;
  // Every other kind becomes its text, as an INTERVAL does.
  return Id.INTERVAL;
}
