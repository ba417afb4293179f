/** The way of a statement that runs a cascade: bound, planned, executed, delivered. Loaded with the first such statement. */
import type { MapStatement, RunStatement, Statement } from '../grammar/ast.ts';
import { bindStatement } from './bind/bind-statement.ts';
import { type CascadeStatement, resolveTarget } from './bind/resolve-target.ts';
import type { Explained } from './deliver/deliver-explain.ts';
import { deliverMap, streamMap } from './deliver/deliver-map.ts';
import { deliverRun } from './deliver/deliver-run.ts';
import { type Delivered, NOTHING } from './deliver/delivered.ts';
import type { StreamHead } from './deliver/stream-rows.ts';
import type { StatementEnv, StatementScope } from './execute/statement-env.ts';
import type { MapTarget, Plan } from './plan/plan.ts';
import { planStatement } from './plan/plan-statement.ts';
import type { Row } from './result.ts';
import { kindOf, openingOf, type StatementContext } from './statement-context.ts';

interface Planned {
  readonly plan: Plan;
  readonly env: StatementEnv;
}

/** Runs a MAP or RUN, and what stands around it, to its end. */
export async function runCascadeStatement(
  statement: CascadeStatement,
  scope: StatementScope,
  context: StatementContext,
): Promise<Delivered> {
  const { body, target, done } = await resolveTarget(statement, scope, context.source);
  if (done) return NOTHING;
  const { plan, env } = await planBody(body, target, scope, statement, context);
  return plan.kind === 'map' ? deliverMap(plan, env, context.valueForm) : deliverRun(plan, env);
}

/** Yields the rows of a MAP in order as they become known; all at the end where they go to a table too. */
export async function* streamMapStatement(
  statement: MapStatement,
  scope: StatementScope,
  context: StatementContext,
  onHead: (head: StreamHead) => void,
): AsyncGenerator<Row, void> {
  const { plan, env } = await planBody(statement, { kind: 'rows' }, scope, statement, context);
  if (plan.kind !== 'map') return;
  if (plan.target.kind === 'rows' && plan.target.asTable === undefined) {
    yield* streamMap(plan, env, context.valueForm, onHead);
    return;
  }
  const { columns, notices, rows } = await deliverMap(plan, env, context.valueForm);
  onHead({ columns, notices, signal: scope.stop.signal });
  yield* rows;
}

/** Reads and counts what a MAP or RUN would work on; an EXPLAIN ANALYZE then runs it, and writes what it writes. */
export async function explainCascadeStatement(
  inner: CascadeStatement,
  whole: Statement,
  given: StatementScope,
  context: StatementContext,
): Promise<Explained> {
  // What the caller writes to a file is the report.
  const scope = { ...given, output: undefined };
  const { body, target, done } = await resolveTarget(inner, scope, context.source);
  const { plan, env } = await planBody(body, target, scope, whole, context);
  const { explainCascade } = await import('./explain/explain-cascade.ts');
  const { explainContext } = await import('./explain/explain-context.ts');
  const report = await explainCascade(plan, env, explainContext(context));
  if (whole.kind !== 'Explain' || !whole.analyze) return { report, notices: [] };
  const startedMs = performance.now();
  const { rowCount, notices } = done
    ? NOTHING
    : await (plan.kind === 'map'
        ? deliverMap(plan, env, context.valueForm)
        : deliverRun(plan, env));
  const { withActual } = await import('./explain/compare.ts');
  const summary = scope.ledger.figures;
  const actual = withActual(report, summary, {
    resultRows: rowCount,
    runs: summary.runs,
    seconds: (performance.now() - startedMs) / 1_000,
    isComplete: scope.stop.drained === undefined,
  });
  return { report: actual, notices };
}

/** Binds and plans, and writes the statement's first record. */
async function planBody(
  body: MapStatement | RunStatement,
  target: MapTarget,
  scope: StatementScope,
  statement: Statement,
  context: StatementContext,
): Promise<Planned> {
  // Annotations stand before the whole statement and hold for its body.
  const { annotations } = statement;
  const bound = await bindStatement({ ...body, annotations }, scope, context);
  const plan = planStatement(bound, target, scope.ledger.session.replaceAll('-', '_'));
  await scope.desk.journal.open();
  scope.ledger.open({
    ...openingOf(statement, scope, context),
    kind: kindOf(statement),
    ...(plan.label === undefined ? {} : { label: plan.label }),
    parallel: plan.parallel,
    cascade: plan.cascadeFile,
  });
  if (plan.deadlineMs !== undefined) scope.stop.limitTo(plan.deadlineMs, scope.ledger.elapsedMs);
  const { cascade, models } = bound;
  return { plan, env: { ...scope, cascade, ...(models === undefined ? {} : { models }) } };
}
