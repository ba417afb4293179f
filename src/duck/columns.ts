/** The columns of a result: their names, made unique, and their types. */

import type { DuckDBResult, DuckDBStructType, DuckDBType, DuckDBUnionType } from '@duckdb/node-api';
import { nodeApi } from './node-api.ts';
import { quoteIdentifier } from './quote.ts';

/** A column of a result. */
export interface Column {
  readonly name: string;
  /** The type as SQL text that DuckDB reads back, e.g. `DECIMAL(10,2)`; a user-named type as its definition. */
  readonly type: string;
  readonly duckType: DuckDBType;
}

/**
 * Makes names unique as DuckDB does for `CREATE TABLE … AS`, ignoring ASCII case: in order, a repeated `a` becomes
 * `a_1`, `a_2`, …, and names in use are skipped.
 */
export function dedupeNames(names: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return names.map((name) => {
    const key = lowerAscii(name);
    let count = seen.get(key);
    if (count === undefined) {
      seen.set(key, 1);
      return name;
    }
    while (seen.has(lowerAscii(`${name}_${count}`))) count += 1;
    seen.set(key, count + 1);
    const unique = `${name}_${count}`;
    seen.set(lowerAscii(unique), 1);
    return unique;
  });
}

function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (upper) => upper.toLowerCase());
}

/** Returns columns of the given names and types. Makes the names unique. */
export function columnsFrom(names: readonly string[], types: readonly DuckDBType[]): Column[] {
  return dedupeNames(names).map((name, index) => {
    const duckType = types[index]!;
    return { name, type: typeText(duckType), duckType };
  });
}

/** Returns the columns of a result. */
export function columnsOf(result: DuckDBResult): Column[] {
  return columnsFrom(result.columnNames(), result.columnTypes());
}

/** Returns a type as SQL text that DuckDB reads back. The fields of an unnamed struct have no name. */
export function typeText(type: DuckDBType): string {
  const { DuckDBTypeId } = nodeApi();
  if (type.alias !== undefined) return type.alias;
  switch (type.typeId) {
    case DuckDBTypeId.LIST:
      return `${typeText(type.valueType)}[]`;
    case DuckDBTypeId.ARRAY:
      return `${typeText(type.valueType)}[${type.length}]`;
    case DuckDBTypeId.MAP:
      return `MAP(${typeText(type.keyType)}, ${typeText(type.valueType)})`;
    case DuckDBTypeId.STRUCT:
      return structText(type);
    case DuckDBTypeId.UNION:
      return unionText(type);
    default:
      return type.toString();
  }
}

function structText(type: DuckDBStructType): string {
  const fields = type.entryTypes.map((entryType, index) => {
    const name = type.entryNames[index] ?? '';
    return name === '' ? typeText(entryType) : `${quoteIdentifier(name)} ${typeText(entryType)}`;
  });
  return `STRUCT(${fields.join(', ')})`;
}

function unionText(type: DuckDBUnionType): string {
  const members = type.memberTypes.map(
    (memberType, index) =>
      `${quoteIdentifier(type.memberTags[index] ?? '')} ${typeText(memberType)}`,
  );
  return `UNION(${members.join(', ')})`;
}

/** Returns the keys of a struct's fields. An unnamed struct has DuckDB's own keys `element1`, `element2`. */
export function structKeys(type: DuckDBStructType): readonly string[] {
  return type.entryNames.map((name, index) => (name === '' ? `element${index + 1}` : name));
}
