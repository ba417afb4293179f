/** How columns lie in a Parquet file, so that every type comes back as it was. */
import type { DuckDBType } from '@duckdb/node-api';
import type { Column } from '../../duck/columns.ts';
import { nodeApi } from '../../duck/node-api.ts';
import { quoteIdentifier, quoteLiteral } from '../../duck/quote.ts';
import { RvbbitError } from '../../errors.ts';
import type { CarriedColumn } from './messages.ts';

/**
 * `text`: Parquet has no such type, or a narrower one (INTERVAL has milliseconds and no sign, HUGEINT
 * becomes DOUBLE, TIMETZ loses its offset, TIME_NS its nanoseconds), and DuckDB reads its own text back unchanged.
 */
type Carriage = 'parquet' | 'text' | 'none';

/** SQL that writes the rows of `from` to a Parquet file, column by position. Throws RVB_UNSUPPORTED for a type that would change. */
export function writeParquetSql(columns: readonly Column[], from: string, file: string): string {
  const items = columns.map((column, index) => {
    const name = quoteIdentifier(column.name);
    const carriage = carriageOf(column.duckType);
    if (carriage === 'none') throw cannotCarry(column);
    return `${carriage === 'text' ? `${name}::VARCHAR` : name} AS c${index}`;
  });
  return `COPY (SELECT ${items.join(', ')} FROM ${from}) TO ${quoteLiteral(file)} (FORMAT parquet)`;
}

/** SQL of a query that reads such a file back. */
export function readParquetSql(columns: readonly CarriedColumn[], file: string): string {
  const items = columns.map(
    ({ name, type, collation }, index) =>
      `c${index}::${type}${collation === undefined ? '' : ` COLLATE ${collation}`} AS ${quoteIdentifier(name)}`,
  );
  return `SELECT ${items.join(', ')} FROM read_parquet(${quoteLiteral(file)}, hive_partitioning = false)`;
}

/** The error for a column whose values would not come back as they are. */
export function cannotCarry({ name, type }: Column, what = type): RvbbitError {
  return new RvbbitError(
    'RVB_UNSUPPORTED',
    `column ${quoteIdentifier(name)} is of type ${what}, which cannot be handed to another process unchanged: cast it to another type, or open the engine with sqlCells: 'inline'`,
    { stage: 'execute' },
  );
}

function carriageOf(type: DuckDBType): Carriage {
  const { DuckDBTypeId: Id } = nodeApi();
  switch (type.typeId) {
    case Id.BOOLEAN:
    case Id.TINYINT:
    case Id.SMALLINT:
    case Id.INTEGER:
    case Id.BIGINT:
    case Id.UTINYINT:
    case Id.USMALLINT:
    case Id.UINTEGER:
    case Id.UBIGINT:
    case Id.FLOAT:
    case Id.DOUBLE:
    case Id.DECIMAL:
    case Id.VARCHAR:
    case Id.BLOB:
    case Id.DATE:
    case Id.TIME:
    case Id.TIMESTAMP:
    case Id.TIMESTAMP_MS:
    case Id.TIMESTAMP_NS:
    case Id.TIMESTAMP_TZ:
    case Id.UUID:
    case Id.ENUM:
    case Id.BIT:
    case Id.BIGNUM:
    case Id.SQLNULL:
      return 'parquet';
    case Id.HUGEINT:
    case Id.UHUGEINT:
    case Id.INTERVAL:
    case Id.TIME_NS:
    case Id.TIME_TZ:
    case Id.TIMESTAMP_S:
      return 'text';
    case Id.LIST:
    case Id.ARRAY:
      return together([type.valueType]);
    case Id.MAP:
      return together([type.keyType, type.valueType]);
    case Id.STRUCT:
      // The fields of an unnamed struct have no names in a file, nor has their type a text.
      return type.entryNames.includes('') ? 'none' : together(type.entryTypes);
    case Id.UNION:
      // Which member a NULL is of shows in the file and not in the text.
      return together(type.memberTypes) === 'parquet' ? 'parquet' : 'none';
    default:
      return 'none';
  }
}

/** A nested value goes as a whole. */
function together(parts: readonly DuckDBType[]): Carriage {
  const carriages = parts.map(carriageOf);
  if (carriages.includes('none')) return 'none';
  if (!carriages.includes('text')) return 'parquet';
  const { DuckDBTypeId: Id } = nodeApi();
  return parts.some((part) => holds(part, Id.UNION)) ? 'none' : 'text';
}

function holds(type: DuckDBType, typeId: number): boolean {
  const { DuckDBTypeId: Id } = nodeApi();
  if (type.typeId === typeId) return true;
  switch (type.typeId) {
    case Id.LIST:
    case Id.ARRAY:
      return holds(type.valueType, typeId);
    case Id.MAP:
      return holds(type.keyType, typeId) || holds(type.valueType, typeId);
    case Id.STRUCT:
      return type.entryTypes.some((entry) => holds(entry, typeId));
    default:
      return false;
  }
}
