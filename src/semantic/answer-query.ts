/** The way of a semantic query: planned from DuckDB's tree where its shape allows, else run until nothing is missing. */
import { isInTransaction } from '../duck/in-transaction.ts';
import type { SqlNode } from '../duck/parse-sql.ts';
import type { ResultReader } from '../duck/reader.ts';
import type { Session } from '../duck/session.ts';
import { RvbbitError } from '../errors.ts';
import { fillAnswers } from './fill-answers.ts';
import { passesOf, type SemanticRun } from './find-answers.ts';
import { findFirstRows } from './first-rows.ts';
import { joinBarrier } from './join-barrier.ts';
import { registerLookUps } from './look-up.ts';
import { canDefer, plannedQuery } from './planned-query.ts';
import type { PlannedSql } from './planned-sql.ts';
import { planQuery, type QueryPlan } from './query-plan.ts';
import { Unplannable } from './query-tree.ts';
import { unrewrittenError } from './source-error.ts';
import { takeSymbol } from './symbols.ts';
import { type OperatorUse, signatureOf } from './use.ts';

/** The result of a statement that is a query. */
export async function answerQuery(run: SemanticRun): Promise<ResultReader> {
  const { statement, scope } = run;
  const { parameters, stop } = scope;
  // What does not bind is told before anything is asked.
  const columns = await scope.session
    .describe(statement.whole.text, { parameters, signal: stop.signal })
    .catch((thrown: unknown) => {
      throw unrewrittenError(thrown, statement, statement.whole);
    });
  const names = columns.map(({ name }) => name);
  const result = await planned(run, (plan) => plannedRows(run, plan, names));
  return result ?? passesOf(run, statement.whole);
}

/** Fills in the answers that a statement's query needs; that query as planned, where it is not as written. */
export async function planAnswers(run: SemanticRun): Promise<PlannedSql | undefined> {
  const { dry } = run.statement;
  const { parameters, session, stop } = run.scope;
  if (dry === undefined) return undefined;
  return planned(run, async (plan) => {
    const order = plan.semantic.length > 0 ? await fillAnswers(run, plan) : plan.semantic;
    const isAsWritten = isWritten(plan, order);
    // Its parameters would have to be counted together with those around it.
    if (parameters !== undefined || (isAsWritten && !canDefer(plan))) return undefined;
    const columns = await session.describe(dry.text, { signal: stop.signal });
    const names = columns.map(({ name }) => name);
    return plannedQuery(run.scope, plan, { names, order, inWhere: (use) => use });
  });
}

/** What `work` makes of the plan; nothing, and the reason in the report, where there is none. */
export async function planned<T>(
  run: SemanticRun,
  work: (plan: QueryPlan) => Promise<T | undefined>,
): Promise<T | undefined> {
  try {
    // Staging computes ahead what the statement may never compute; what fails there would end the transaction.
    if (await isInTransaction(run.scope.session)) {
      throw new Unplannable('it stands in a transaction');
    }
    const plan = planQuery(run.statement, await scalarFunctions(run.scope.session));
    run.report.route = 'plan';
    return await work(plan);
  } catch (thrown) {
    const isReason =
      thrown instanceof Unplannable || (thrown instanceof RvbbitError && thrown.code === 'RVB_SQL');
    if (!isReason) throw thrown;
    run.report.route = 'rerun';
    run.report.reason = thrown.message.split('\n')[0] ?? '';
    return undefined;
  }
}

async function plannedRows(
  run: SemanticRun,
  plan: QueryPlan,
  names: readonly string[],
): Promise<ResultReader | undefined> {
  const { rowsWanted, semantic } = plan;
  const mayStop = rowsWanted !== undefined && plan.isRowByRow && plan.isPlainOrder;
  const search = mayStop && semantic.length > 0 ? await stopsAt(run, plan, rowsWanted) : undefined;
  const isStopped = search === 'found';
  const asks = search === undefined && semantic.length > 0;
  const order = asks ? await fillAnswers(run, plan) : semantic;
  const isAsWritten = isWritten(plan, order);
  if (!isStopped && isAsWritten && !canDefer(plan)) return undefined;
  const lenient = new Map<OperatorUse, OperatorUse>();
  const inWhere = (use: OperatorUse) => {
    if (!isStopped) return use;
    let other = lenient.get(use);
    if (other === undefined) {
      const signature = signatureOf(use.book.operator, use.reading);
      other = { ...use, names: takeSymbol(signature), isLenient: true };
      lenient.set(use, other);
    }
    return other;
  };
  try {
    const query = await plannedQuery(run.scope, plan, { names, order, inWhere });
    await registerLookUps(
      run.scope.session,
      [...lenient.values()],
      run.state,
      run.scope.stop.signal,
    );
    run.report.sql.push(query.text);
    const reader = await passesOf(run, query);
    // Rows that were certain and are gone: the input has changed since.
    const isShort = isStopped && reader.rowCount < rowsWanted! - plan.rowsSkipped;
    return isShort ? undefined : reader;
  } finally {
    for (const { names: taken } of lenient.values()) taken.release();
  }
}

/** Whether the statement's own text asks in this order. */
function isWritten(plan: QueryPlan, order: readonly SqlNode[]): boolean {
  if (joinBarrier(plan).length > 0) return false;
  return order.every((condition, index) => condition === plan.semantic[index]);
}

/** Undefined where the conditions are not of a form that can be decided row by row. */
async function stopsAt(
  run: SemanticRun,
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

let scalars: Promise<ReadonlySet<string>> | undefined;

/** DuckDB's own functions of one row; read once, since its catalogue's view takes 50 ms. */
function scalarFunctions(session: Session): Promise<ReadonlySet<string>> {
  scalars ??= session
    .run(
      `SELECT lower(function_name) FROM duckdb_functions() WHERE internal GROUP BY ALL HAVING bool_and(function_type = 'scalar')`,
    )
    .then(async (reader) => new Set((await reader.allColumns('json'))[0] as string[]));
  scalars.catch(() => {
    scalars = undefined;
  });
  return scalars;
}
