/** Which type of PostgreSQL a DuckDB type is on the wire and in the catalogue. Plain data; OIDs are those of pg_type.dat. */

/** The scalar types by `pg_type.typname`: OID, OID of the array type, and bytes of a value (-1 for varying length). */
export const PG_TYPES = {
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
} as const satisfies Record<string, readonly [oid: number, array: number, size: number]>;

/** The names of the scalar types of this server. */
export type PgName = keyof typeof PG_TYPES;

/**
 * For each scalar DuckDB type, by its name without parameters: the type of PostgreSQL. A type that is not here is text:
 * BIT, ENUM, and TIMESTAMP_NS and TIME_NS, whose last three digits a Postgres timestamp cannot hold. A list or array has the
 * array type of its innermost element; a STRUCT, MAP or UNION, and a list of these, is json.
 */
export const PG_TYPE_OF: Readonly<Record<string, PgName>> = {
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
