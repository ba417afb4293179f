/** The DuckDB types that values of runs and arguments of operators may have, spelt as DuckDB spells them. */

/** The kind of the values of a type without parts. */
export type TypeFamily =
  | 'text'
  | 'boolean'
  | 'integer'
  | 'decimal'
  | 'float'
  | 'date'
  | 'time'
  | 'timestamp'
  | 'json'
  | 'uuid'
  | 'enum'
  | 'blob'
  | 'bit'
  | 'interval'
  | 'timetz';

/** For each type: its family, and its other names in DuckDB. */
const TYPES: Readonly<Record<string, readonly [TypeFamily, string]>> = {
  VARCHAR: ['text', 'BPCHAR CHAR NVARCHAR STRING TEXT'],
  BOOLEAN: ['boolean', 'BOOL LOGICAL'],
  TINYINT: ['integer', 'INT1'],
  SMALLINT: ['integer', 'INT2 INT16 SHORT'],
  INTEGER: ['integer', 'INT INT4 INT32 INTEGRAL SIGNED'],
  BIGINT: ['integer', 'INT8 INT64 LONG OID'],
  HUGEINT: ['integer', 'INT128'],
  UTINYINT: ['integer', 'UINT8'],
  USMALLINT: ['integer', 'UINT16'],
  UINTEGER: ['integer', 'UINT32'],
  UBIGINT: ['integer', 'UINT64'],
  UHUGEINT: ['integer', 'UINT128'],
  FLOAT: ['float', 'FLOAT4 REAL'],
  DOUBLE: ['float', 'FLOAT8'],
  DATE: ['date', ''],
  TIME: ['time', ''],
  TIMESTAMP: ['timestamp', 'DATETIME TIMESTAMP_US'],
  'TIMESTAMP WITH TIME ZONE': ['timestamp', 'TIMESTAMPTZ'],
  JSON: ['json', ''],
  UUID: ['uuid', 'GUID'],
};

const CANONICAL: ReadonlyMap<string, string> = new Map(
  Object.entries(TYPES).flatMap(([name, [, aliases]]) =>
    [name, ...aliases.split(' ').filter(Boolean)].map((alias) => [alias, name] as const),
  ),
);

const DECIMAL = /^(?:DECIMAL|DEC|NUMERIC)(?:\s*\(\s*(\d{1,2})\s*(?:,\s*(\d{1,2})\s*)?\))?$/;
/** The digits of DuckDB's DECIMAL that is written without width and scale. */
const DEFAULT_DECIMAL = { width: 18, scale: 3 };
const DECIMAL_MAX_WIDTH = 38;

/** A type with its parts. */
export interface ColumnType {
  /** The name as DuckDB spells it. */
  readonly name: string;
  readonly family: TypeFamily | 'list' | 'struct' | 'map' | 'union';
  /** The type of a list's elements, or of a map's values. */
  readonly element?: ColumnType;
  /** The number of elements of a list with a fixed length. */
  readonly length?: number;
  /** The type of a map's keys. */
  readonly key?: ColumnType;
  /** The fields of a struct, or the alternatives of a union. */
  readonly members?: readonly { readonly name: string; readonly type: ColumnType }[];
  /** The values of an enum. */
  readonly labels?: readonly string[];
  /** The digits of a DECIMAL: `width` in all, of which `scale` come after the point. */
  readonly width?: number;
  readonly scale?: number;
}

/** Reads the name of a type that operators accept. Undefined for any other name, such as STRUCT, MAP and BLOB. */
export function readColumnType(text: string): ColumnType | undefined {
  const written = text.trim().toUpperCase().replace(/\s+/g, ' ');
  if (written.endsWith('[]')) {
    const element = readColumnType(written.slice(0, -2));
    return element === undefined
      ? undefined
      : { name: `${element.name}[]`, family: 'list', element };
  }
  const decimal = DECIMAL.exec(written);
  if (decimal !== null) return decimalType(decimal);
  const name = CANONICAL.get(written);
  return name === undefined ? undefined : { name, family: TYPES[name]![0] };
}

function decimalType([, written, fraction]: RegExpExecArray): ColumnType | undefined {
  const width = written === undefined ? DEFAULT_DECIMAL.width : Number(written);
  const scale = written === undefined ? DEFAULT_DECIMAL.scale : Number(fraction ?? 0);
  if (width < 1 || width > DECIMAL_MAX_WIDTH || scale > width) return undefined;
  return { name: `DECIMAL(${width},${scale})`, family: 'decimal', width, scale };
}

/** Returns the least and the greatest value of an integer type. */
export function integerBounds(name: string): readonly [bigint, bigint] {
  const bits = { TINYINT: 8n, SMALLINT: 16n, INTEGER: 32n, BIGINT: 64n, HUGEINT: 128n }[
    name.replace(/^U/, '')
  ]!;
  return name.startsWith('U')
    ? [0n, 2n ** bits - 1n]
    : [-(2n ** (bits - 1n)), 2n ** (bits - 1n) - 1n];
}

/** The names of the types that operators accept, for a message. */
export const TYPE_NAMES: readonly string[] = [...Object.keys(TYPES), 'DECIMAL(w,s)'];
