/** Runs a `sql_data` cell's query on the session, for a worker. */

import { quoteIdentifier } from '../duck/quote.ts';
import type { Session } from '../duck/session.ts';
import type { SqlCellOutcome, SqlCellQuery } from '../run/contract.ts';
import type { JsonObject } from '../util/json.ts';

/** The most rows that a `sql_data` cell may hand to the cells after it. */
const SQL_CELL_MAX_ROWS = 10_000;

export async function runSqlCell(
  session: Session,
  query: SqlCellQuery,
  signal: AbortSignal,
): Promise<SqlCellOutcome> {
  const { materialize, text, values } = query;
  if (materialize !== undefined) return materialise(session, materialize, query, signal);
  const reader = await session.runBeside(text, values, { signal });
  if (reader.rowCount > SQL_CELL_MAX_ROWS) {
    return {
      ok: false,
      error: {
        code: 'RVB_LIMIT',
        message: `the query gives ${reader.rowCount} rows; a cell hands on at most ${SQL_CELL_MAX_ROWS}. Add a LIMIT, aggregate, or materialize it`,
      },
    };
  }
  return {
    ok: true,
    columns: reader.columns.map(({ name }) => name),
    rows: (await reader.rows('json')) as JsonObject[],
    rowCount: reader.returnsRows ? reader.rowCount : (reader.changes ?? 0),
  };
}

/**
 * Writes the query's rows to a temp table of the session, like the table that RUN reads: it outlives the run and
 * writes to no file.
 */
async function materialise(
  session: Session,
  table: string,
  { text, values }: SqlCellQuery,
  signal: AbortSignal,
): Promise<SqlCellOutcome> {
  const name = quoteIdentifier(table);
  await session.runBound(`CREATE OR REPLACE TEMP TABLE ${name} AS\n${text}`, values, { signal });
  const count = await session.run(`SELECT count(*)::INTEGER AS n FROM ${name}`, { signal });
  const columns = await session.describe(`SELECT * FROM ${name}`, { signal });
  const [row] = await count.rows('json');
  return {
    ok: true,
    columns: columns.map((column) => column.name),
    rows: [],
    rowCount: Number(row?.['n'] ?? 0),
    table,
  };
}
