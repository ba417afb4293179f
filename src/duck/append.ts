/** Writes columns quickly through DuckDB's Appender. */

import { setImmediate } from 'node:timers/promises';
import type { DuckDBAppender, DuckDBConnection, DuckDBVector } from '@duckdb/node-api';
import { cancelledError, RvbbitError } from '../errors.ts';
import { CHUNK_MAX_ROWS } from '../limits.ts';
import { runText } from './execution.ts';
import { isInTransaction } from './in-transaction.ts';
import { nodeApi } from './node-api.ts';
import { ResultReader } from './reader.ts';
import { setNull } from './set-null.ts';
import { toSqlError } from './sql-error.ts';

/** The table to append to. `temp` is the catalog of temporary tables. */
export interface TableName {
  readonly catalog?: string;
  readonly schema?: string;
  readonly name: string;
}

/** The values of one column. null and undefined become NULL. BIGINT accepts bigints and whole numbers. */
export interface AppendColumn {
  readonly type: 'BIGINT' | 'VARCHAR' | 'INTEGER' | 'UTINYINT' | 'DOUBLE' | 'BOOLEAN';
  readonly values: ArrayLike<unknown>;
}

/**
 * Appends `rowCount` rows in a new transaction, or in the open transaction if there is one. A failure (`RVB_SQL`)
 * leaves none of the rows behind.
 */
export async function appendColumns(
  connection: DuckDBConnection,
  table: TableName,
  columns: readonly AppendColumn[],
  rowCount: number,
  signal?: AbortSignal,
): Promise<void> {
  for (const [index, column] of columns.entries()) {
    if (column.values.length < rowCount) {
      throw appendError(
        table,
        `column ${index + 1} has ${column.values.length} of ${rowCount} values`,
      );
    }
  }
  const statement = (sql: string) => runText(connection, sql);
  const run = async (sql: string) => new ResultReader(await statement(sql));
  // BEGIN within a transaction would abort that transaction.
  const own = !(await isInTransaction({ run }));
  if (own) await statement('BEGIN TRANSACTION');
  try {
    await appendChunks(connection, table, columns, rowCount, signal);
    if (own) await statement('COMMIT');
  } catch (error) {
    if (own) await statement('ROLLBACK').catch(() => undefined);
    throw toSqlError(error, '', { stage: 'deliver' });
  }
}

async function appendChunks(
  connection: DuckDBConnection,
  table: TableName,
  columns: readonly AppendColumn[],
  rowCount: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const appender = await connection.createAppender(
    table.name,
    table.schema ?? null,
    table.catalog ?? null,
  );
  try {
    await fillAppender(appender, table, columns, rowCount, signal);
  } catch (error) {
    // Closing the failed appender must not flush the rows that it still holds.
    closeQuietly(appender);
    throw error;
  }
  appender.closeSync();
}

function closeQuietly(appender: DuckDBAppender): void {
  for (const step of [() => appender.clear(), () => appender.closeSync()]) {
    try {
      step();
    } catch {
      // Only the first failure is reported.
    }
  }
}

async function fillAppender(
  appender: DuckDBAppender,
  table: TableName,
  columns: readonly AppendColumn[],
  rowCount: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const api = nodeApi();
  const chunk = api.DuckDBDataChunk.create(columns.map((column) => api[column.type]));
  for (let first = 0; first < rowCount; first += CHUNK_MAX_ROWS) {
    const count = Math.min(CHUNK_MAX_ROWS, rowCount - first);
    chunk.reset();
    chunk.rowCount = count;
    for (const [index, column] of columns.entries()) {
      fillVector(chunk.getColumnVector(index), table, column, first, count);
    }
    appender.appendDataChunk(chunk);
    // The appender blocks this thread. One chunk at a time lets the event loop run in between.
    appender.flushSync();
    await setImmediate();
    if (signal?.aborted === true) throw cancelledError();
  }
}

function fillVector(
  vector: DuckDBVector,
  table: TableName,
  column: AppendColumn,
  first: number,
  count: number,
): void {
  const { values, type } = column;
  for (let row = 0; row < count; row += 1) {
    const value = values[first + row];
    if (value === null || value === undefined) setNull(vector, row);
    else if (type === 'BIGINT' && typeof value === 'number') {
      if (!Number.isSafeInteger(value)) throw notOfType(table, column, first + row, value);
      vector.setItem(row, BigInt(value));
    } else {
      if (!fits(type, value)) throw notOfType(table, column, first + row, value);
      vector.setItem(row, value as string);
    }
  }
  vector.flush();
}

function fits(type: AppendColumn['type'], value: unknown): boolean {
  switch (type) {
    case 'VARCHAR':
      return typeof value === 'string';
    case 'BIGINT':
      return typeof value === 'bigint';
    case 'BOOLEAN':
      return typeof value === 'boolean';
    case 'DOUBLE':
      return typeof value === 'number';
    case 'INTEGER':
      return typeof value === 'number' && (value | 0) === value;
    case 'UTINYINT':
      return typeof value === 'number' && (value & 255) === value;
  }
}

function notOfType(
  table: TableName,
  column: AppendColumn,
  row: number,
  value: unknown,
): RvbbitError {
  return appendError(table, `row ${row + 1} has a ${typeof value} that is no ${column.type}`);
}

function appendError(table: TableName, reason: string): RvbbitError {
  return new RvbbitError('RVB_SQL', `cannot append to ${table.name}: ${reason}`, {
    stage: 'deliver',
    sqlState: '22000',
  });
}
