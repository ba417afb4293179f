/** The Postgres types that stand for DuckDB's types on the wire. OIDs are those of PostgreSQL's pg_type.dat. */
import { type DuckType, readDuckType } from './duck-type.ts';
import { PG_TYPE_OF, PG_TYPES, type PgName } from './oids.ts';

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

const BY_OID: ReadonlyMap<number, PgType> = new Map(
  (Object.keys(PG_TYPES) as PgName[]).flatMap((name) =>
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
  const names = Object.entries(PG_TYPE_OF);
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
  const [oid, array, size] = PG_TYPES[name];
  return isArray
    ? { name, oid: array, size: -1, modifier, isArray }
    : { name, oid, size, modifier, isArray };
}

/** True for a type whose values are their text in both formats, whatever they say. */
export function isText({ name, isArray }: PgType): boolean {
  return !isArray && /^(?:text|varchar|bpchar|name|jsonb?)$/.test(name);
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
  const name = PG_TYPE_OF[type.name] ?? 'text';
  const { width, scale = 0 } = type;
  return pgType(name, isArray, width === undefined ? -1 : ((width << 16) | scale) + 4);
}
