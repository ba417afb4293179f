/** Reads the result of a statement slice by slice. The result is complete in memory. */

import { setImmediate } from 'node:timers/promises';
import type { DuckDBDataChunk, DuckDBMaterializedResult } from '@duckdb/node-api';
import type { ValueForm } from '../result.ts';
import { type Column, columnsOf } from './columns.ts';
import { nodeApi } from './node-api.ts';
import { objectOf } from './plain-object.ts';
import { readVector, vectorBytes } from './read-vector.ts';

/** Up to 2,048 rows by column: `columns[c][r]`. */
export interface Slice {
  readonly rowCount: number;
  readonly columns: readonly (readonly unknown[])[];
}

/** Returns the values of a chunk. */
export function readChunk(chunk: DuckDBDataChunk, columnCount: number, form: ValueForm): Slice {
  const columns = Array.from({ length: columnCount }, (_, column) =>
    readVector(chunk.getColumnVector(column), form),
  );
  return { rowCount: chunk.rowCount, columns };
}

/** Returns about how many bytes the values of a chunk take. */
export function chunkBytes(chunk: DuckDBDataChunk): number {
  const columns = Array.from({ length: chunk.columnCount }, (_, column) =>
    vectorBytes(chunk.getColumnVector(column)),
  );
  return columns.reduce((sum, bytes) => sum + bytes, 0);
}

/** Reads a materialised result. The result stays complete while its connection does other work. */
export class ResultReader {
  readonly columns: readonly Column[];
  /** The number of rows of the result set; 0 if the statement returns no rows. */
  readonly rowCount: number;
  /** The number of rows that a data-changing statement changed; undefined for other statements. */
  readonly changes: number | undefined;
  readonly returnsRows: boolean;
  readonly #result: DuckDBMaterializedResult;

  constructor(result: DuckDBMaterializedResult) {
    const { ResultReturnType } = nodeApi();
    this.#result = result;
    // A text without a statement gives a result set without columns.
    this.returnsRows =
      result.returnType === ResultReturnType.QUERY_RESULT && result.columnCount > 0;
    this.columns = this.returnsRows ? columnsOf(result) : [];
    this.rowCount = this.returnsRows ? result.rowCount : 0;
    this.changes =
      result.returnType === ResultReturnType.CHANGED_ROWS ? result.rowsChanged : undefined;
  }

  /** Yields the rows in order, as slices. The event loop runs between two slices. */
  async *slices(form: ValueForm): AsyncGenerator<Slice, void, undefined> {
    if (!this.returnsRows) return;
    for (let index = 0; index < this.#result.chunkCount; index += 1) {
      if (index > 0) await setImmediate();
      yield readChunk(this.#result.getChunk(index), this.columns.length, form);
    }
  }

  /** Returns all rows as objects keyed by column name. */
  async rows(form: ValueForm): Promise<Record<string, unknown>[]> {
    const names = this.columns.map((column) => column.name);
    const rows: Record<string, unknown>[] = [];
    for await (const slice of this.slices(form)) {
      for (let row = 0; row < slice.rowCount; row += 1) {
        rows.push(objectOf(names, (column) => slice.columns[column]![row]));
      }
    }
    return rows;
  }

  /** Returns all values of one column. */
  async column(index: number, form: ValueForm): Promise<unknown[]> {
    const values: unknown[] = [];
    for (let chunk = 0; chunk < this.#result.chunkCount; chunk += 1) {
      if (chunk > 0) await setImmediate();
      const vector = this.#result.getChunk(chunk).getColumnVector(index);
      for (const value of readVector(vector, form)) values.push(value);
    }
    return values;
  }

  /** Returns all values by column. */
  async allColumns(form: ValueForm): Promise<unknown[][]> {
    const columns: unknown[][] = this.columns.map(() => []);
    for await (const slice of this.slices(form)) {
      slice.columns.forEach((values, index) => {
        for (const value of values) columns[index]!.push(value);
      });
    }
    return columns;
  }
}
