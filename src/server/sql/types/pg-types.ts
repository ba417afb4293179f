/** The Postgres types that stand for DuckDB's types on the wire. OIDs are those of PostgreSQL's pg_type.dat. */
import { type DuckType, readDuckType } from './duck-type.ts';

/** The names of the scalar types of this server. */
export type PgName =
  | 'bool'
  | 'bytea'
  | 'int2'
  | 'int4'
  | 'int8'
  | 'float4'
  | 'float8'
  | 'numeric'
  | 'text'
  | 'varchar'
  | 'bpchar'
  | 'name'
  | 'oid'
  | 'json'
  | 'jsonb'
  | 'date'
  | 'time'
  | 'timetz'
  | 'timestamp'
  | 'timestamptz'
  | 'interval'
  | 'uuid';

/** A type on the wire. */
export interface PgType {
  readonly name: PgName;
  readonly oid: number;
  /** Bytes of a value; -1 for varying length. */
  readonly size: number;
  readonly modifier: number;
  /** True for an array of `name`, of any number of dimensions. */
  readonly isArray: boolean;
}

/** For each scalar type: its OID, that of its array, and its size. */
const TYPES: Readonly<Record<PgName, readonly [oid: number, array: number, size: number]>> = {
  bool: [16, 1000, 1],
  bytea: [17, 1001, -1],
  name: [19, 1003, 64],
  int8: [20, 1016, 8],
  int2: [21, 1005, 2],
  int4: [23, 1007, 4],
  text: [25, 1009, -1],
  oid: [26, 1028, 4],
  json: [114, 199, -1],
  float4: [700, 1021, 4],
  float8: [701, 1022, 8],
  bpchar: [1042, 1014, -1],
  varchar: [1043, 1015, -1],
  date: [1082, 1182, 4],
  time: [1083, 1183, 8],
  timestamp: [1114, 1115, 8],
  timestamptz: [1184, 1185, 8],
  interval: [1186, 1187, 16],
  timetz: [1266, 1270, 12],
  numeric: [1700, 1231, -1],
  uuid: [2950, 2951, 16],
  jsonb: [3802, 3807, -1],
};

/**
 * For each scalar type of DuckDB: the type on the wire. A type that is not here is text: BIT, ENUM, and TIMESTAMP_NS and
 * TIME_NS, whose last three digits a Postgres timestamp cannot hold.
 */
const BY_DUCK_NAME: Readonly<Record<string, PgName>> = {
  BOOLEAN: 'bool',
  TINYINT: 'int2',
  SMALLINT: 'int2',
  INTEGER: 'int4',
  BIGINT: 'int8',
  UTINYINT: 'int2',
  USMALLINT: 'int4',
  UINTEGER: 'int8',
  UBIGINT: 'numeric',
  HUGEINT: 'numeric',
  UHUGEINT: 'numeric',
  BIGNUM: 'numeric',
  DECIMAL: 'numeric',
  FLOAT: 'float4',
  DOUBLE: 'float8',
  DATE: 'date',
  TIME: 'time',
  'TIME WITH TIME ZONE': 'timetz',
  TIMESTAMP: 'timestamp',
  TIMESTAMP_S: 'timestamp',
  TIMESTAMP_MS: 'timestamp',
  'TIMESTAMP WITH TIME ZONE': 'timestamptz',
  INTERVAL: 'interval',
  UUID: 'uuid',
  BLOB: 'bytea',
  GEOMETRY: 'bytea',
  JSON: 'json',
  VARIANT: 'json',
  // No type of DuckDB: what the catalogue calls the elements of its lists of oids.
  OID: 'oid',
};

const BY_OID: ReadonlyMap<number, PgType> = new Map(
  (Object.keys(TYPES) as PgName[]).flatMap((name) =>
    [pgType(name), pgType(name, true)].map((type) => [type.oid, type] as const),
  ),
);

/** Returns the type of an OID; undefined for one that this server does not know. */
export function pgTypeOfOid(oid: number): PgType | undefined {
  return BY_OID.get(oid);
}

/** Returns the DuckDB type of an OID; undefined for one that this server does not know. */
export function duckTypeOfOid(oid: number): string | undefined {
  const type = BY_OID.get(oid);
  if (type === undefined) return undefined;
  const names = Object.entries(BY_DUCK_NAME);
  const name = names.findLast(([, pgName]) => pgName === type.name)?.[0] ?? 'VARCHAR';
  return `${OF_NAME[type.name] ?? name}${type.isArray ? '[]' : ''}`;
}

/** The DuckDB types of Postgres types for which several stand. */
const OF_NAME: Partial<Record<PgName, string>> = {
  int2: 'SMALLINT',
  int4: 'INTEGER',
  int8: 'BIGINT',
  oid: 'BIGINT',
  numeric: 'DECIMAL(38,9)',
  timestamp: 'TIMESTAMP',
  bytea: 'BLOB',
  json: 'JSON',
  jsonb: 'JSON',
};

/** Returns a type by its name. */
export function pgType(name: PgName, isArray = false, modifier = -1): PgType {
  const [oid, array, size] = TYPES[name];
  return isArray
    ? { name, oid: array, size: -1, modifier, isArray }
    : { name, oid, size, modifier, isArray };
}

/** Returns the type on the wire of a DuckDB type, given as text. */
export function pgTypeOf(duckType: string): PgType {
  const type = readDuckType(duckType);
  return isJson(type) ? pgType('json') : pgTypeOfScalar(innermost(type), type.kind === 'list');
}

/** True for a struct, a map or a union, and for a list of these: they go out as JSON. */
export function isJson(type: DuckType): boolean {
  return innermost(type).kind !== 'scalar';
}

function innermost(type: DuckType): DuckType {
  return type.kind === 'list' ? innermost(type.element) : type;
}

function pgTypeOfScalar(type: DuckType, isArray: boolean): PgType {
  if (type.kind !== 'scalar') return pgType('json');
  const name = BY_DUCK_NAME[type.name] ?? 'text';
  const { width, scale = 0 } = type;
  return pgType(name, isArray, width === undefined ? -1 : ((width << 16) | scale) + 4);
}
