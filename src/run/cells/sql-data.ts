/** Runs `sql_data` and `for_each_row` cells: the session's DuckDB runs the query with bound values. */
import { forEachRowInMap } from '../../cascade/refuse-cells.ts';
import { renderSqlTemplate } from '../../cascade/sql-template.ts';
import { RvbbitError } from '../../errors.ts';
import type { Json, JsonObject } from '../../util/json.ts';
import type { SqlCellProgram } from '../program.ts';
import { type Run, settleWithin, timeLimit } from '../run-state.ts';

/**
 * Runs the query. Returns `{rows, columns, row_count}`, or `{table, row_count, columns}` if it made a table. With a
 * cascade for each row, the result also has `failed`, the number of rows whose cascade failed.
 */
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
  const { forEachRow, materialize, timeoutMs } = cell;
  if (forEachRow !== undefined && context.settings.kind === 'map')
    throw forEachRowInMap(cell.label);
  const rowsTakeTheirTime = forEachRow !== undefined && timeoutMs === undefined;
  const limit = rowsTakeTheirTime
    ? { ms: Number.POSITIVE_INFINITY, message: '' }
    : timeLimit(run, cell.label, timeoutMs);
  const query = {
    text,
    values,
    ...(rowsTakeTheirTime ? {} : { limitMs: Math.ceil(limit.ms) }),
    ...(materialize === undefined ? {} : { materialize }),
    ...(forEachRow === undefined ? {} : { forEachRow }),
  };
  const startedMs = context.nowMs();
  const outcome = await settleWithin(context.runSql(query), limit, context.signal);
  // Each row has its own time limit. The run's time limit is for the run's other cells.
  if (rowsTakeTheirTime) run.bounds.waitedMs += context.nowMs() - startedMs;
  if (!outcome.ok) {
    const { code, message } = outcome.error;
    throw new RvbbitError(code === 'RVB_INTERNAL' ? 'RVB_SQL' : code, `${cell.label}: ${message}`, {
      stage: 'execute',
    });
  }
  const { columns, rows, rowCount, table, failed } = outcome;
  if (table === undefined) return { rows, columns, row_count: rowCount };
  return { table, row_count: rowCount, columns, ...(failed === undefined ? {} : { failed }) };
}
