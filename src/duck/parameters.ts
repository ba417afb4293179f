/** Binding JavaScript values to the parameters of a prepared statement. */

import type { DuckDBPreparedStatement, DuckDBType, DuckDBValue } from '@duckdb/node-api';
import { RvbbitError } from '../errors.ts';
import { nodeApi } from './node-api.ts';

/** By position (`?`, `$1`), or by name (`$name`); names that the statement does not have are ignored. */
export type Parameters = readonly unknown[] | Readonly<Record<string, unknown>>;

function refuse(message: string): never {
  throw new RvbbitError('RVB_SQL', message, { stage: 'bind', sqlState: '07001' });
}

/** Binds every parameter of a statement; a missing or surplus value is refused. */
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
  const bound = toDuckDB(value, () => statement.parameterTypeId(index));
  if (bound.value === null) statement.bindNull(index);
  else statement.bindValue(index, bound.value, bound.type);
}

interface Bound {
  readonly value: DuckDBValue;
  readonly type?: DuckDBType;
}

const INT64 = 1n << 63n;

function toDuckDB(value: unknown, wantedTypeId: () => number): Bound {
  const api = nodeApi();
  switch (typeof value) {
    case 'undefined':
      return { value: null };
    case 'boolean':
      return { value, type: api.BOOLEAN };
    case 'string':
      return { value, type: api.VARCHAR };
    case 'bigint':
      return bigintBound(value);
    case 'number':
      return numberBound(value);
    case 'object':
      break;
    default:
      refuse(`a ${typeof value} cannot be bound to a parameter`);
  }
  if (value === null) return { value: null };
  if (value instanceof Date) return dateBound(value, wantedTypeId());
  if (value instanceof Uint8Array) return { value: api.blobValue(value), type: api.BLOB };
  if (/^DuckDB\w+Value$/.test(value.constructor?.name ?? ''))
    return { value: value as DuckDBValue };
  return (
    (Array.isArray(value) ? listBound(value) : undefined) ?? {
      value: JSON.stringify(value),
      type: api.VARCHAR,
    }
  );
}

function bigintBound(value: bigint): Bound {
  const { BIGINT, HUGEINT, BIGNUM } = nodeApi();
  if (value >= -INT64 && value < INT64) return { value, type: BIGINT };
  const huge = 1n << 127n;
  return { value, type: value > -huge && value < huge ? HUGEINT : BIGNUM };
}

function numberBound(value: number): Bound {
  const { BIGINT, DOUBLE, INTEGER } = nodeApi();
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) return { value, type: DOUBLE };
  if (value >= -(2 ** 31) && value < 2 ** 31) return { value, type: INTEGER };
  return { value: BigInt(value), type: BIGINT };
}

function dateBound(value: Date, wantedTypeId: number): Bound {
  const api = nodeApi();
  const milliseconds = value.getTime();
  if (Number.isNaN(milliseconds)) refuse('an invalid Date cannot be bound to a parameter');
  const micros = BigInt(milliseconds) * 1_000n;
  return wantedTypeId === api.DuckDBTypeId.TIMESTAMP_TZ
    ? { value: new api.DuckDBTimestampTZValue(micros), type: api.TIMESTAMPTZ }
    : { value: new api.DuckDBTimestampValue(micros), type: api.TIMESTAMP };
}

/** A list of one kind of scalar as a DuckDB list; of anything else undefined, so that it goes as JSON. */
function listBound(values: readonly unknown[]): Bound | undefined {
  const { BOOLEAN, DOUBLE, BIGINT, LIST, VARCHAR, listValue } = nodeApi();
  const present = values.filter((value) => value !== null && value !== undefined);
  const listOf = (type: DuckDBType, convert: (value: unknown) => DuckDBValue): Bound => ({
    value: listValue(values.map((value) => (value == null ? null : convert(value)))),
    type: LIST(type),
  });
  if (present.every((value) => typeof value === 'string')) {
    return listOf(VARCHAR, (value) => value as string);
  }
  if (present.every((value) => typeof value === 'boolean')) {
    return listOf(BOOLEAN, (value) => value as boolean);
  }
  if (present.every((value) => Number.isSafeInteger(value) && !Object.is(value, -0))) {
    return listOf(BIGINT, (value) => BigInt(value as number));
  }
  if (present.every((value) => typeof value === 'number')) {
    return listOf(DOUBLE, (value) => value as number);
  }
  return undefined;
}
