/** Binds, plans, executes and delivers statements that run a cascade. Loaded with the first such statement. */
import type { MapStatement, RunStatement, StatementNode } from '../../grammar/ast.ts';
import { createSourceText } from '../../grammar/source-text.ts';
import { type Delivered, NOTHING } from '../deliver/delivered.ts';
import type { StreamHead } from '../deliver/stream-rows.ts';
import { quoteIdentifier } from '../duck/quote.ts';
import { RvbbitError } from '../errors.ts';
import { addedColumns } from '../execute/map-rows.ts';
import type { Statement, StatementWithCascade } from '../execute/statement.ts';
import { type BoundStatement, bindStatement } from '../plan/bind-statement.ts';
import { type ChosenParallel, chooseParallel } from '../plan/choose-parallel.ts';
import type { MapTarget, Plan } from '../plan/plan.ts';
import { planStatement } from '../plan/plan-statement.ts';
import { type CascadeStatement, resolveTarget } from '../plan/resolve-target.ts';
import type { ExplainReport, ResultColumn, Row } from '../result.ts';
import { analyzed } from './analyze.ts';
import type { Explained } from './explain.ts';
import { deliverMap, streamMap, streamWrittenMap } from './map.ts';
import { isJob, kindOf, openingOf, taskOf } from './names.ts';
import { deliverRun, runColumns } from './run-over-table.ts';

interface Planned {
  readonly plan: Plan;
  readonly statement: StatementWithCascade;
}

/** Runs a MAP or RUN to its end, with the CREATE TABLE or INSERT around it. */
export async function runCascadeStatement(
  node: CascadeStatement,
  statement: Statement,
): Promise<Delivered> {
  const { body, target, done } = await resolveTarget(node, statement, statement.source);
  return done ? NOTHING : deliverPlanned(await planBody(body, target, node, statement));
}

/** Runs the MAP or RUN of a job. `whole` is the statement of the job, `generatedTable` the name for a RUN's rows. */
export async function runTask(
  body: MapStatement | RunStatement,
  target: MapTarget,
  whole: StatementNode,
  statement: Statement,
  generatedTable: string,
): Promise<Delivered> {
  return deliverPlanned(await planBody(body, target, whole, statement, generatedTable));
}

/** Yields the rows of a MAP in order as they become known. If the rows also go to a table, yields them at the end. */
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

/** Runs a MAP or RUN within another statement, whose ledger is open. The rows go into a temp table. */
export async function stageCall(
  body: MapStatement | RunStatement,
  table: string,
  statement: Statement,
): Promise<Delivered> {
  return deliverPlanned(await planBody(body, { kind: 'stage', table }, body, statement));
}

/** Explains a call within another statement. `table` then holds its rows, with NULL in place of its results. */
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

/** Binds a call within another statement. `table` then has the call's columns and no row. */
export async function stageColumns(
  body: MapStatement | RunStatement,
  table: string,
  statement: Statement,
): Promise<void> {
  const { plan } = await planBody(body, { kind: 'stage', table }, body, statement);
  await stageNulls(plan, table, statement, 0);
}

/** Returns the columns of a MAP or RUN. */
export async function describeCall(
  body: MapStatement | RunStatement,
  whole: StatementNode,
  statement: Statement,
): Promise<readonly ResultColumn[]> {
  const { plan } = await planBody(body, { kind: 'rows' }, whole, statement);
  if (plan.kind === 'run') return runColumns(plan);
  const { session, stop } = statement;
  const read = await session.describe(plan.query, { signal: stop.signal });
  return [...read.map(({ name, type }) => ({ name, type })), ...addedColumns(plan)];
}

/** Creates a temp table of at most `limit` rows of a call, with NULL in place of its results. */
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
    // The one row of a RUN comes from no query, and so has no parameters.
    { ...(plan.kind === 'run' ? {} : { parameters }), signal: stop.signal, linesBefore: 1 },
  );
}

/** Explains a MAP or RUN: its query is read and counted. EXPLAIN ANALYZE then runs the statement and writes its result. */
export async function explainCascadeStatement(
  inner: CascadeStatement,
  whole: StatementNode,
  given: Statement,
): Promise<Explained> {
  // If the caller writes to a file, the file gets the report.
  const statement = { ...given, output: undefined };
  const task = isJob(inner) ? taskOf(inner) : inner;
  const { body, target, done } = await resolveTarget(task, statement, statement.source);
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

/** Binds and plans `body`, and writes the statement's first record. `whole` is the statement around `body`. */
async function planBody(
  body: MapStatement | RunStatement,
  target: MapTarget,
  whole: StatementNode,
  statement: Statement,
  generatedTable: string = statement.ledger.nextTable,
): Promise<Planned> {
  // A thread starts while the statement is bound and its query is read.
  statement.dispatcher.start();
  // Annotations stand before the whole statement and hold for its body.
  const { annotations } = whole;
  const { desk, ledger, stop } = statement;
  const bound = await bindStatement({ ...body, annotations }, statement);
  refuseServiceNow(bound, whole, statement.source);
  const chosen = bound.settings.choosesParallel
    ? await chosenParallel(bound, statement)
    : undefined;
  const plan = planStatement(bound, target, generatedTable, chosen);
  if (bound.models === undefined) statement.dispatcher.start(plan.parallel);
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

/** Refuses `service` without ASYNC: nobody waits for a day. */
function refuseServiceNow(
  { settings, statement: { options } }: BoundStatement,
  whole: StatementNode,
  source: string,
): void {
  const isAnalyzed = whole.kind === 'Explain' && whole.analyze;
  const isAsync = isJob(whole.kind === 'Explain' ? whole.body : whole);
  if (settings.service === undefined || (isAsync && !isAnalyzed)) return;
  const what = "service = 'batch' may take a day";
  const advice = isAnalyzed ? 'leave ANALYZE out' : 'write RVBBIT MAP ASYNC';
  const option = options.find(({ key }) => key.value === 'service')!;
  const place = createSourceText(source).positionAt(option.span.start);
  throw new RvbbitError('RVB_UNSUPPORTED', `${what}; ${advice}`, { stage: 'bind', place });
}

async function chosenParallel(
  bound: BoundStatement,
  statement: Statement,
): Promise<ChosenParallel> {
  const { parallelGrounds } = await import('./parallel-grounds.ts');
  return chooseParallel(await parallelGrounds(bound, statement));
}
