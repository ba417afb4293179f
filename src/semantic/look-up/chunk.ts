/** Reads the arguments of look-ups from DuckDB's vectors. */
import type { DuckDBDataChunk, DuckDBVector } from '@duckdb/node-api';
import type { Json } from '../../util/json.ts';
import type { Tuple } from '../ask/answer-book.ts';

/** The arguments of some rows, and for those that are texts their codes, if the function takes any. */
export interface LookUpChunk {
  readonly columns: readonly DuckDBVector[];
  readonly codes: readonly (DuckDBVector | undefined)[];
  readonly rowCount: number;
}

/** Whether the function takes codes. */
export function hasCodes({ codes }: LookUpChunk): boolean {
  return codes.some((code) => code !== undefined);
}

/** Reads the chunk of a function that takes codes for the arguments at these places, after all arguments. */
export function readChunk(
  input: DuckDBDataChunk,
  arity: number,
  places: readonly number[],
): LookUpChunk {
  const columns = Array.from({ length: arity }, (_, index) => input.getColumnVector(index));
  const codes = columns.map((_, index) => {
    const place = places.indexOf(index);
    return place < 0 ? undefined : input.getColumnVector(arity + place);
  });
  return { columns, codes, rowCount: input.rowCount };
}

/** The arguments of a row; undefined where one is NULL. */
export function readTuple(columns: readonly DuckDBVector[], row: number): Tuple | undefined {
  const tuple: Json[] = [];
  for (const column of columns) {
    const value = valueIn(column, row);
    if (value === null) return undefined;
    tuple.push(value);
  }
  return tuple;
}

/** A value of an argument. */
export function valueIn(column: DuckDBVector, row: number): Json {
  const value: unknown = column.getItem(row);
  if (typeof value !== 'bigint') return (value ?? null) as Json;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}
