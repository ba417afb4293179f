/** Runs one planned SELECT: finds its answers, and makes the query that uses them. */

import type { SqlNode } from '../../duck/parse-sql.ts';
import { fillAnswers } from '../judge/fill-answers.ts';
import { findFirstRows } from '../judge/first-rows.ts';
import { registerLookUps } from '../look-up/look-up.ts';
import { takeSymbol } from '../read/symbols.ts';
import { type OperatorUse, typesOf } from '../read/use.ts';
import type { SemanticQuery } from '../semantic-query.ts';
import { joinBarrier } from './join-barrier.ts';
import { canDefer, plannedQuery } from './planned-query.ts';
import { type PlannedSql, plannedSql } from './planned-sql.ts';
import type { QueryPlan } from './query-plan.ts';
import { baseTable, isNode, Unplannable } from './query-tree.ts';
import { type StagedRows, stageRows } from './stage-rows.ts';

/** What `use` gets: the query, and whether it stops at its LIMIT before all questions are asked. */
interface PlannedSelect {
  /** Undefined where the statement's own text already asks in this order. */
  readonly query: PlannedSql | undefined;
  readonly isStopped: boolean;
}

/** Whether the rows that LIMIT wants may be found before all questions are asked. */
export function mayStop({ rowsWanted, isRowByRow, isPlainOrder, semantic }: QueryPlan): boolean {
  return rowsWanted !== undefined && isRowByRow && isPlainOrder && semantic.length > 0;
}

/**
 * Finds the answers that the plan's conditions need, and runs `use` with the query. `names` are the names of its
 * columns. Throws Unplannable.
 */
export async function withPlannedSelect<T>(
  run: SemanticQuery,
  plan: QueryPlan,
  names: readonly string[],
  use: (planned: PlannedSelect) => Promise<T>,
): Promise<T> {
  const { rowsWanted, semantic } = plan;
  const search = mayStop(plan) ? await stopsAt(run, plan, rowsWanted!) : undefined;
  run.report.mayStop ||= search !== undefined;
  const isStopped = search === 'found';
  const order = search === undefined ? await fillAnswers(run, plan) : semantic;
  if (!isStopped && isWritten(plan, order) && !canDefer(plan)) {
    return use({ query: undefined, isStopped });
  }
  const lenient = new Map<OperatorUse, OperatorUse>();
  const inWhere = (written: OperatorUse) => {
    if (!isStopped) return written;
    let other = lenient.get(written);
    if (other === undefined) {
      const types = typesOf(written.book.operator, written.reading);
      other = { ...written, names: takeSymbol(types), isLenient: true };
      lenient.set(written, other);
    }
    return other;
  };
  try {
    const { session, stop } = run.statement;
    const register = () => registerLookUps(session, [...lenient.values()], run.state, stop.signal);
    const keep = async (rows: SqlNode) => {
      await register();
      const { table } = await stageRows(run, await plannedSql(run.statement, rows));
      return { ...baseTable(table), alias: 'rvb_rows' };
    };
    const query = await plannedQuery(run.statement, plan, {
      names,
      order,
      inWhere,
      ...(joinsRows(plan) ? { keep } : {}),
    });
    await register();
    run.report.sql.push(query.text);
    return await use({ query, isStopped });
  } finally {
    for (const { names: taken } of lenient.values()) taken.release();
  }
}

/** Whether FROM is a join: its rows come in any order, so the first rows may be others in each run. */
function joinsRows({ node }: QueryPlan): boolean {
  const from = node['from_table'];
  return isNode(from) && from['type'] === 'JOIN';
}

/** Whether the statement's own text asks its conditions in this order. */
export function isWritten(plan: QueryPlan, order: readonly SqlNode[]): boolean {
  if (order.length === 0) return true;
  if (joinBarrier(plan).length > 0 || plan.plain.length > 0) return false;
  return order.every((condition, index) => condition === plan.semantic[index]);
}

/** Looks for the rows that LIMIT wants. Undefined if the conditions cannot be decided row by row. */
async function stopsAt(
  run: SemanticQuery,
  plan: QueryPlan,
  wanted: number,
): Promise<'found' | 'all asked' | undefined> {
  try {
    return (await findFirstRows(run, plan, wanted)) ? 'found' : 'all asked';
  } catch (thrown) {
    if (!(thrown instanceof Unplannable)) throw thrown;
    run.report.reason = thrown.message;
    return undefined;
  }
}

/** Stages the rows that a SELECT gives. */
export async function stageSelect(
  run: SemanticQuery,
  plan: QueryPlan,
  names: readonly string[],
): Promise<StagedRows> {
  const found = await withPlannedSelect(run, plan, names, async ({ query, isStopped }) => {
    const staged = await stageRows(run, query ?? (await plannedSql(run.statement, plan.node)));
    const isShort = isStopped && staged.rowCount < plan.rowsWanted! - plan.rowsSkipped;
    return isShort ? undefined : staged;
  });
  // The plan was certain of more rows: the input has changed since.
  return found ?? stageRows(run, await plannedSql(run.statement, plan.node));
}
