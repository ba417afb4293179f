/** Binds JavaScript values to the parameters of a prepared statement. */

import type {
  DuckDBListType,
  DuckDBPreparedStatement,
  DuckDBType,
  DuckDBValue,
} from '@duckdb/node-api';
import { RvbbitError } from '../errors.ts';
import { nodeApi } from './node-api.ts';
import { parameterJson } from './parameter-json.ts';

/** Values by position (`?`, `$1`) or by name (`$name`). Names that the statement does not have are ignored. */
export type Parameters = readonly unknown[] | Readonly<Record<string, unknown>>;

/** A parameter's value in DuckDB's own form, with the type by which it is bound. */
export class TypedValue {
  readonly value: DuckDBValue;
  readonly type: DuckDBType;

  constructor(value: DuckDBValue, type: DuckDBType) {
    this.value = value;
    this.type = type;
  }
}

function refuse(message: string): never {
  throw new RvbbitError('RVB_SQL', message, { stage: 'bind', sqlState: '07001' });
}

/** Binds every parameter of a statement. Refuses a missing value, and a surplus value in an array, with `RVB_SQL`. */
export function bindParameters(statement: DuckDBPreparedStatement, parameters: Parameters): void {
  const count = statement.parameterCount;
  if (Array.isArray(parameters)) {
    if (parameters.length !== count) {
      refuse(`the statement has ${count} parameters but ${parameters.length} values were given`);
    }
    for (const [index, value] of parameters.entries()) bindOne(statement, index + 1, value);
    return;
  }
  const named = parameters as Readonly<Record<string, unknown>>;
  for (let index = 1; index <= count; index += 1) {
    const name = statement.parameterName(index);
    if (!Object.hasOwn(named, name)) refuse(`parameter $${name} has no value: give one`);
    bindOne(statement, index, named[name]);
  }
}

function bindOne(statement: DuckDBPreparedStatement, index: number, value: unknown): void {
  const place = `parameter $${statement.parameterName(index)}`;
  const bound = toDuckDB(value, {
    wantedTypeId: () => wantedTypeId(statement, index),
    refuse: (problem) => refuse(`${place} ${problem}`),
  });
  if (bound.value === null) statement.bindNull(index);
  else statement.bindValue(index, bound.value, bound.type);
}

/** The parameter to which a value is bound. */
interface BoundParameter {
  /** Returns the id of the type that DuckDB expects; for a list, of its items; INVALID if DuckDB does not know it. */
  wantedTypeId(): number;
  refuse(problem: string): never;
}

function wantedTypeId(statement: DuckDBPreparedStatement, index: number): number {
  const id = statement.parameterTypeId(index);
  if (id !== nodeApi().DuckDBTypeId.LIST) return id;
  return (statement.parameterType(index) as DuckDBListType).valueType.typeId;
}

interface Bound {
  readonly value: DuckDBValue;
  readonly type?: DuckDBType;
}

const INT64 = 1n << 63n;
const INT128 = 1n << 127n;

function toDuckDB(value: unknown, place: BoundParameter): Bound {
  const api = nodeApi();
  switch (typeof value) {
    case 'undefined':
      return { value: null };
    case 'boolean':
      return { value, type: api.BOOLEAN };
    case 'string':
      return { value, type: api.VARCHAR };
    case 'bigint':
      return { value, type: integerType([value]) };
    case 'number':
      return numberBound(value);
    case 'object':
      break;
    default:
      place.refuse(`is a ${typeof value}, which cannot be bound`);
  }
  if (value === null) return { value: null };
  if (value instanceof TypedValue) return value;
  if (value instanceof Date) {
    const { of, type } = timestamps(place);
    return { value: of(value), type };
  }
  if (value instanceof Uint8Array) return { value: api.blobValue(value), type: api.BLOB };
  if (/^DuckDB\w+Value$/.test(value.constructor?.name ?? ''))
    return { value: value as DuckDBValue };
  return (
    (Array.isArray(value) ? listBound(value, place) : undefined) ?? {
      value: parameterJson(value, place.refuse),
      type: api.VARCHAR,
    }
  );
}

/** Returns the narrowest of BIGINT, HUGEINT and BIGNUM that holds all values. */
function integerType(values: readonly bigint[]): DuckDBType {
  const { BIGINT, HUGEINT, BIGNUM } = nodeApi();
  if (values.every((value) => value >= -INT64 && value < INT64)) return BIGINT;
  return values.every((value) => value > -INT128 && value < INT128) ? HUGEINT : BIGNUM;
}

function numberBound(value: number): Bound {
  const { BIGINT, DOUBLE, INTEGER } = nodeApi();
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) return { value, type: DOUBLE };
  if (value >= -(2 ** 31) && value < 2 ** 31) return { value, type: INTEGER };
  return { value: BigInt(value), type: BIGINT };
}

/** Returns how to bind Dates: as TIMESTAMPTZ if DuckDB expects that type, else as TIMESTAMP in UTC. */
function timestamps(place: BoundParameter): {
  of(value: Date): DuckDBValue;
  readonly type: DuckDBType;
} {
  const api = nodeApi();
  const isZoned = place.wantedTypeId() === api.DuckDBTypeId.TIMESTAMP_TZ;
  const Value = isZoned ? api.DuckDBTimestampTZValue : api.DuckDBTimestampValue;
  return {
    of(value) {
      const milliseconds = value.getTime();
      if (Number.isNaN(milliseconds)) place.refuse('is or holds an invalid Date');
      return new Value(BigInt(milliseconds) * 1_000n);
    },
    type: isZoned ? api.TIMESTAMPTZ : api.TIMESTAMP,
  };
}

/** Binds an array with scalars of one kind as a DuckDB list. Undefined for any other array, which is bound as JSON. */
function listBound(list: readonly unknown[], place: BoundParameter): Bound | undefined {
  const { BLOB, BOOLEAN, DOUBLE, LIST, VARCHAR, blobValue, listValue } = nodeApi();
  const values = Array.from(list, (value) => value ?? null);
  const present = values.filter((value) => value !== null);
  const listOf = (type: DuckDBType, convert?: (value: never) => DuckDBValue): Bound => ({
    value: listValue(
      values.map((value) =>
        value === null || convert === undefined ? (value as DuckDBValue) : convert(value as never),
      ),
    ),
    type: LIST(type),
  });
  if (present.every((value) => typeof value === 'string')) return listOf(VARCHAR);
  if (present.every((value) => typeof value === 'boolean')) return listOf(BOOLEAN);
  if (present.every(isInteger)) return listOf(integerType(present.map(BigInt)), BigInt);
  if (present.every((value) => typeof value === 'number')) return listOf(DOUBLE);
  if (present.every((value) => value instanceof Uint8Array)) return listOf(BLOB, blobValue);
  if (present.every((value) => value instanceof Date)) {
    const { of, type } = timestamps(place);
    return listOf(type, of);
  }
  return undefined;
}

function isInteger(value: unknown): value is number | bigint {
  return typeof value === 'bigint' || (Number.isSafeInteger(value) && !Object.is(value, -0));
}
