/** Converts DuckDB's description of a column's type to the form that the conversion of values uses. */
import type { DuckDBType } from '@duckdb/node-api';
import { typeText } from '../duck/columns.ts';
import { nodeApi } from '../duck/node-api.ts';
import { type ColumnType, readColumnType, type TypeFamily } from './column-type.ts';

/** The families of types that operators do not accept, by DuckDB's name. */
const OTHERS: Readonly<Record<string, TypeFamily>> = {
  BLOB: 'blob',
  BIT: 'bit',
  INTERVAL: 'interval',
  'TIME WITH TIME ZONE': 'timetz',
  TIMESTAMP_S: 'timestamp',
  TIMESTAMP_MS: 'timestamp',
  TIMESTAMP_NS: 'timestamp',
};
/** Families whose values DuckDB reads from text but not the same from JSON. No part of a value can have them. */
const WHOLE_ONLY: ReadonlySet<string> = new Set(['bit', 'blob']);

/** Returns the type with its parts. Undefined if JSON cannot hold a value of the type, or of one of its parts. */
export function columnTypeOf(type: DuckDBType): ColumnType | undefined {
  const { DuckDBTypeId: Id } = nodeApi();
  const name = typeText(type);
  switch (type.typeId) {
    case Id.LIST:
    case Id.ARRAY: {
      const element = partTypeOf(type.valueType);
      const length = type.typeId === Id.ARRAY ? { length: type.length } : {};
      return element && { name, family: 'list', element, ...length };
    }
    case Id.MAP: {
      const key = partTypeOf(type.keyType);
      const element = partTypeOf(type.valueType);
      const isText = key !== undefined && key.element === undefined && key.members === undefined;
      return isText && element !== undefined ? { name, family: 'map', key, element } : undefined;
    }
    case Id.STRUCT:
      return membersOf('struct', name, type.entryNames, type.entryTypes);
    case Id.UNION:
      return membersOf('union', name, type.memberTags, type.memberTypes);
    case Id.ENUM:
      return { name, family: 'enum', labels: type.values };
    default: {
      const family = OTHERS[name];
      return family === undefined ? readColumnType(name) : { name, family };
    }
  }
}

function partTypeOf(type: DuckDBType): ColumnType | undefined {
  const part = columnTypeOf(type);
  return part !== undefined && WHOLE_ONLY.has(part.family) ? undefined : part;
}

function membersOf(
  family: 'struct' | 'union',
  name: string,
  names: readonly string[],
  types: readonly DuckDBType[],
): ColumnType | undefined {
  const members: { name: string; type: ColumnType }[] = [];
  for (const [index, member] of types.entries()) {
    const type = partTypeOf(member);
    if (type === undefined || names[index] === '') return undefined;
    members.push({ name: names[index]!, type });
  }
  return { name, family, members };
}
