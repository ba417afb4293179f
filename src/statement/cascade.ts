/** The way of a statement that runs a cascade: bound, planned, executed, delivered. Loaded with the first such statement. */
import type { MapStatement, RunStatement, StatementNode } from '../../grammar/ast.ts';
import { type Delivered, NOTHING } from '../deliver/delivered.ts';
import type { StreamHead } from '../deliver/stream-rows.ts';
import { quoteIdentifier } from '../duck/quote.ts';
import { addedColumns } from '../execute/map-rows.ts';
import type { Statement, StatementWithCascade } from '../execute/statement.ts';
import { type BoundStatement, bindStatement } from '../plan/bind-statement.ts';
import { type ChosenParallel, chooseParallel } from '../plan/choose-parallel.ts';
import type { MapTarget, Plan } from '../plan/plan.ts';
import { planStatement } from '../plan/plan-statement.ts';
import { type CascadeStatement, resolveTarget } from '../plan/resolve-target.ts';
import type { ExplainReport, Row } from '../result.ts';
import { analyzed } from './analyze.ts';
import type { Explained } from './explain.ts';
import { deliverMap, streamMap, streamWrittenMap } from './map.ts';
import { kindOf, openingOf } from './names.ts';
import { deliverRun, runColumns } from './run-over-table.ts';

interface Planned {
  readonly plan: Plan;
  readonly statement: StatementWithCascade;
}

/** Runs a MAP or RUN, and what stands around it, to its end. */
export async function runCascadeStatement(
  node: CascadeStatement,
  statement: Statement,
): Promise<Delivered> {
  const { body, target, done } = await resolveTarget(node, statement, statement.source);
  return done ? NOTHING : deliverPlanned(await planBody(body, target, node, statement));
}

/** Yields the rows of a MAP in order as they become known; at the end where they go to a table too. */
export async function* streamMapStatement(
  node: MapStatement,
  statement: Statement,
  onHead: (head: StreamHead) => void,
): AsyncGenerator<readonly Row[], void> {
  const planned = await planBody(node, { kind: 'rows' }, node, statement);
  const { plan } = planned;
  if (plan.kind === 'map' && plan.target.kind === 'rows') {
    const stream = plan.target.asTable === undefined ? streamMap : streamWrittenMap;
    yield* stream(plan, planned.statement, onHead);
    return;
  }
  const { columns, notices, rows } = await deliverPlanned(planned);
  onHead({ columns, notices, signal: statement.stop.signal });
  yield rows;
}

/** Runs a MAP or RUN that stands within another statement, whose ledger is open; its rows go into a temp table. */
export async function stageCall(
  body: MapStatement | RunStatement,
  table: string,
  statement: Statement,
): Promise<Delivered> {
  return deliverPlanned(await planBody(body, { kind: 'stage', table }, body, statement));
}

/** What a call within another statement would do; `table` then holds its rows, with NULL for what it would give. */
export async function explainCall(
  body: MapStatement | RunStatement,
  table: string,
  statement: Statement,
): Promise<ExplainReport> {
  const planned = await planBody(body, { kind: 'stage', table }, body, statement);
  const { plan } = planned;
  const { explainCascade } = await import('../explain/explain-cascade.ts');
  const { explainContext } = await import('../explain/explain-context.ts');
  const report = await explainCascade(plan, planned.statement, explainContext(statement));
  await stageNulls(plan, table, statement, plan.limit.rows ?? 'ALL');
  return report;
}

/** Binds a call within another statement; `table` then has its columns, and no row. */
export async function stageColumns(
  body: MapStatement | RunStatement,
  table: string,
  statement: Statement,
): Promise<void> {
  const { plan } = await planBody(body, { kind: 'stage', table }, body, statement);
  await stageNulls(plan, table, statement, 0);
}

/** A temp table of a call's rows, with NULL for what it would give. */
async function stageNulls(
  plan: Plan,
  table: string,
  { parameters, session, stop }: Statement,
  limit: number | 'ALL',
): Promise<void> {
  const nulls = (plan.kind === 'map' ? addedColumns(plan) : runColumns(plan))
    .map(({ name, type }) => `CAST(NULL AS ${type}) AS ${quoteIdentifier(name)}`)
    .join(', ');
  const query =
    plan.kind === 'run' ? `SELECT ${nulls}` : `SELECT *, ${nulls} FROM (\n${plan.query}\n)`;
  await session.run(
    `CREATE TEMP TABLE ${quoteIdentifier(table)} AS ${query} LIMIT ${limit}`,
    // The one row of a RUN is of no query.
    { ...(plan.kind === 'run' ? {} : { parameters }), signal: stop.signal, linesBefore: 1 },
  );
}

/** Reads and counts what a MAP or RUN would work on; an EXPLAIN ANALYZE then runs it, and writes what it writes. */
export async function explainCascadeStatement(
  inner: CascadeStatement,
  whole: StatementNode,
  given: Statement,
): Promise<Explained> {
  // What the caller writes to a file is the report.
  const statement = { ...given, output: undefined };
  const { body, target, done } = await resolveTarget(inner, statement, statement.source);
  const planned = await planBody(body, target, whole, statement);
  const { explainCascade } = await import('../explain/explain-cascade.ts');
  const { explainContext } = await import('../explain/explain-context.ts');
  const context = explainContext(statement);
  const report = await explainCascade(planned.plan, planned.statement, context);
  if (whole.kind !== 'Explain' || !whole.analyze) return { report, notices: [] };
  return analyzed(report, statement, async () => (done ? NOTHING : deliverPlanned(planned)));
}

function deliverPlanned({ plan, statement }: Planned): Promise<Delivered> {
  return plan.kind === 'map' ? deliverMap(plan, statement) : deliverRun(plan, statement);
}

/** Binds and plans, and writes the statement's first record. `whole` is the statement that `body` stands in. */
async function planBody(
  body: MapStatement | RunStatement,
  target: MapTarget,
  whole: StatementNode,
  statement: Statement,
): Promise<Planned> {
  // The threads start while the statement is bound and its query read.
  statement.dispatcher.start();
  // Annotations stand before the whole statement and hold for its body.
  const { annotations } = whole;
  const { desk, ledger, stop } = statement;
  const bound = await bindStatement({ ...body, annotations }, statement);
  const chosen = bound.settings.choosesParallel
    ? await chosenParallel(bound, statement)
    : undefined;
  const plan = planStatement(bound, target, ledger.session.replaceAll('-', '_'), chosen);
  await desk.journal.open();
  ledger.open({
    ...openingOf(whole, statement),
    kind: kindOf(whole),
    ...(plan.label === undefined ? {} : { label: plan.label }),
    parallel: plan.parallel,
    cascade: plan.cascadeFile,
    ...(plan.strategy === 'batch' ? {} : { strategy: plan.strategy }),
  });
  if (plan.deadlineMs !== undefined) stop.limitTo(plan.deadlineMs, ledger.elapsedMs);
  const { cascade, models } = bound;
  const boundModels = models === undefined ? {} : { boundModels: models };
  return { plan, statement: { ...statement, cascade, ...boundModels } };
}

async function chosenParallel(
  bound: BoundStatement,
  statement: Statement,
): Promise<ChosenParallel> {
  const { parallelGrounds } = await import('./parallel-grounds.ts');
  return chooseParallel(await parallelGrounds(bound, statement));
}
