/** Executes a MAP plan and delivers its rows: to the caller at the end, to a table, or to the caller as they become known. */

import { batchNotice } from '../deliver/batch-notice.ts';
import {
  cascadeNotices,
  type Delivered,
  endNotices,
  limitNotice,
  NOTHING,
} from '../deliver/delivered.ts';
import type { StreamHead } from '../deliver/stream-rows.ts';
import { MapExecution } from '../execute/execute-map.ts';
import { mayWrite, namesOf, targetsOf } from '../execute/may-write.ts';
import type { StatementWithCascade } from '../execute/statement.ts';
import type { MapPlan } from '../plan/plan.ts';
import type { Notice, Row } from '../result.ts';

/** The most rows of a stored result that are in memory at once. */
const ROWS_AT_A_TIME = 8_192;

export async function deliverMap(
  plan: MapPlan,
  statement: StatementWithCascade,
): Promise<Delivered> {
  const execution = await MapExecution.prepare(plan, statement, { growing: false });
  try {
    const { rowCount, notices } = await runAndWrite(execution, plan, statement);
    // An incomplete statement writes no table: when it is run again, the rows would be there twice, or the table be
    // in the way.
    if (plan.target.kind !== 'rows') return { ...NOTHING, rowCount: rowCount ?? 0, notices };
    const rows = await execution.rows(statement.valueForm);
    return { columns: execution.columns, rows, rowCount: rows.length, notices };
  } finally {
    await execution.close();
  }
}

/** Yields the rows of a MAP that also go to a table: after the table is written, and `ROWS_AT_A_TIME` at a time. */
export async function* streamWrittenMap(
  plan: MapPlan,
  statement: StatementWithCascade,
  onHead: (head: StreamHead) => void,
): AsyncGenerator<readonly Row[]> {
  const execution = await MapExecution.prepare(plan, statement, { growing: false });
  try {
    const { notices } = await runAndWrite(execution, plan, statement);
    onHead({ columns: execution.columns, notices, signal: statement.stop.signal });
    for (let from = 0; from < execution.rowsRead; from += ROWS_AT_A_TIME) {
      const to = Math.min(from + ROWS_AT_A_TIME, execution.rowsRead);
      yield await execution.rows(statement.valueForm, { from, to });
    }
  } finally {
    await execution.close();
  }
}

/** `rowCount`: the rows of the written table; undefined if none was written, e.g. because the statement is to be run again. */
async function runAndWrite(
  execution: MapExecution,
  plan: MapPlan,
  statement: StatementWithCascade,
): Promise<{ readonly rowCount: number | undefined; readonly notices: readonly Notice[] }> {
  await execution.run();
  const { target } = plan;
  const targets = targetsOf(target, statement);
  const writes = await mayWrite(statement, targets);
  const intoTable = target.kind !== 'rows';
  const notices = [
    ...noticesOf(plan, execution, statement),
    ...execution.advisories.notices(),
    ...endNotices(statement, intoTable, intoTable ? undefined : target.asTable),
    ...failedRowsNotices(plan, statement, targets),
  ];
  return { rowCount: writes ? await execution.writeTarget() : undefined, notices };
}

/** Yields the rows of a MAP in order. A row is yielded as soon as it and all rows before it are known. */
export async function* streamMap(
  plan: MapPlan,
  statement: StatementWithCascade,
  onHead: (head: StreamHead) => void,
): AsyncGenerator<readonly Row[]> {
  const execution = await MapExecution.prepare(plan, statement, { growing: true });
  const targets = targetsOf(plan.target, statement);
  let failure: { readonly error: unknown } | undefined;
  const running = execution.run().catch((error: unknown) => {
    failure = { error };
    statement.stop.fail(error);
    execution.giveUp();
  });
  try {
    const { signal } = statement.stop;
    onHead({
      columns: execution.columns,
      notices: noticesOf(plan, execution, statement),
      lateNotices: () => [
        ...execution.advisories.notices(),
        ...endNotices(statement),
        ...failedRowsNotices(plan, statement, targets),
      ],
      signal,
    });
    for await (const range of execution.knownRanges()) {
      await statement.desk.journal.commit();
      yield await execution.rows(statement.valueForm, range);
    }
    await running;
    if (failure !== undefined) throw failure.error;
    await mayWrite(statement, targets);
  } catch (thrown) {
    throw failure === undefined ? thrown : failure.error;
  } finally {
    // A consumer that stops reading early ends the statement: no row runs that nobody reads.
    statement.stop.abandon();
    await running;
    await execution.close();
  }
}

/** Says what the result holds in place of the failed rows, if the other rows were written. */
function failedRowsNotices(
  { onError, resultColumn, fields, target }: MapPlan,
  { ledger, stop }: StatementWithCascade,
  targets: readonly string[],
): readonly Notice[] {
  const { rows } = ledger.figures;
  const { failed } = rows;
  if (failed === 0 || targets.length === 0 || stop.drained !== undefined) return [];
  const [have, their, are] =
    failed === 1 ? ['has', 'its run', 'is'] : ['have', 'their runs', 'are'];
  const names = namesOf(targets);
  const share = `${failed} of ${rows.in} rows`;
  const where = target.kind === 'insert' ? 'inserted into' : 'of';
  const instead = onError.kind === 'default' ? `the default of on_error` : 'NULL';
  const what =
    onError.kind === 'skip'
      ? `${share} ${are} not in ${names}`
      : `${share} ${where} ${names} ${have} ${instead} in ${fields?.map(({ name }) => name).join(', ') ?? resultColumn}`;
  return [{ code: 'rows_failed', message: `${what}: ${their} failed` }];
}

function noticesOf(
  plan: MapPlan,
  execution: MapExecution,
  { cascade, boundModels }: StatementWithCascade,
): readonly Notice[] {
  const isCut = execution.cut && plan.limit.source === 'default';
  return [
    ...cascadeNotices(cascade.warnings),
    ...(plan.calls.batch === undefined ? [] : batchNotice(cascade, boundModels?.settings)),
    ...(isCut ? [limitNotice('map')] : []),
  ];
}
