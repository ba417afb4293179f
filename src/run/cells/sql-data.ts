/** A `sql_data` cell: its query goes to the session's DuckDB with its values bound. */
import { renderSqlTemplate } from '../../cascade/sql-template.ts';
import { RvbbitError } from '../../errors.ts';
import type { Json, JsonObject } from '../../util/json.ts';
import type { SqlCellProgram } from '../program.ts';
import { type Run, settleWithin, timeLimit } from '../run-state.ts';

/** Runs the query: `{rows, columns, row_count}`, or `{table, row_count, columns}` where it made a table. */
export async function runSqlCell(
  cell: SqlCellProgram,
  run: Run,
  outputs: JsonObject,
): Promise<Json> {
  const { context, input, state, given } = run;
  const { text, values } = renderSqlTemplate(cell.query[context.settings.kind], {
    input,
    outputs,
    state,
    ...given,
  });
  const limit = timeLimit(run, cell.label, cell.timeoutMs);
  const query = {
    text,
    values,
    limitMs: Math.ceil(limit.ms),
    ...(cell.materialize === undefined ? {} : { materialize: cell.materialize }),
  };
  const outcome = await settleWithin(context.runSql(query), limit, context.signal);
  if (!outcome.ok) {
    const { code, message } = outcome.error;
    throw new RvbbitError(code === 'RVB_INTERNAL' ? 'RVB_SQL' : code, `${cell.label}: ${message}`, {
      stage: 'execute',
    });
  }
  const { columns, rows, rowCount, table } = outcome;
  return table === undefined
    ? { rows, columns, row_count: rowCount }
    : { table, row_count: rowCount, columns };
}
