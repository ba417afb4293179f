/** The way of a statement: bound, planned, executed, delivered. Each step lives in the folder of its name. */
import type { MapStatement, RunStatement, SqlStatement, Statement } from '../grammar/ast.ts';
import { bindStatement } from './bind/bind-statement.ts';
import { resolveTarget } from './bind/resolve-target.ts';
import { deliverExplain, explain } from './deliver/deliver-explain.ts';
import { deliverMap, streamMap } from './deliver/deliver-map.ts';
import { deliverRun } from './deliver/deliver-run.ts';
import { type Delivered, deliverReader, NOTHING } from './deliver/delivered.ts';
import { type StreamHead, streamReader } from './deliver/stream-rows.ts';
import type { ResultReader } from './duck/reader.ts';
import { RvbbitError } from './errors.ts';
import type { StatementEnv, StatementScope } from './execute/statement-env.ts';
import type { NamePrefix } from './journal/session-name.ts';
import type { MapTarget, Plan } from './plan/plan.ts';
import { planStatement } from './plan/plan-statement.ts';
import type { ExplainReport, Row, StatementKind, ValueForm } from './result.ts';

/** What holds for every statement of one call. */
export interface StatementContext {
  /** The statement as written, for the journal. */
  readonly source: string;
  readonly origin: string;
  readonly valueForm: ValueForm;
  readonly cascadeRoot: string;
  readonly defaultParallel: number;
}

interface Planned {
  readonly plan: Plan;
  readonly env: StatementEnv;
}

/** Runs a statement to its end. */
export async function runStatement(
  statement: Statement,
  scope: StatementScope,
  context: StatementContext,
): Promise<Delivered> {
  switch (statement.kind) {
    case 'Sql':
      return deliverReader(await runSql(statement, scope, context), context.valueForm);
    case 'Explain':
      if (statement.analyze) throw unsupported('EXPLAIN ANALYZE');
      return deliverExplain(await explainStatement(statement, scope, context), statement.format);
    case 'Map':
    case 'Run':
    case 'CreateTable':
    case 'Insert': {
      const { body, target, done } = await resolveTarget(statement, scope);
      if (done) return NOTHING;
      const { plan, env } = await planBody(body, target, scope, statement, context);
      return plan.kind === 'map' ? deliverMap(plan, env, context.valueForm) : deliverRun(plan, env);
    }
    case 'ShowJobs':
    case 'AwaitJob':
    case 'CancelJob':
      throw unsupported('a statement about jobs');
  }
}

/** Runs a statement and yields its rows in order: those of a MAP as they become known. */
export async function* streamStatement(
  statement: Statement,
  scope: StatementScope,
  context: StatementContext,
  onHead: (head: StreamHead) => void,
): AsyncGenerator<Row, void> {
  if (statement.kind === 'Map') {
    const { plan, env } = await planBody(statement, { kind: 'rows' }, scope, statement, context);
    if (plan.kind === 'map' && plan.target.kind === 'rows' && plan.target.asTable === undefined) {
      yield* streamMap(plan, env, context.valueForm, onHead);
      return;
    }
  }
  if (statement.kind === 'Sql') {
    const reader = await runSql(statement, scope, context);
    onHead({ columns: reader.columns, notices: [], signal: scope.stop.signal });
    yield* streamReader(reader, context.valueForm);
    return;
  }
  const { columns, notices, rows } = await runStatement(statement, scope, context);
  onHead({ columns, notices, signal: scope.stop.signal });
  yield* rows;
}

/** Reads and counts what a MAP or RUN would work on; no cascade runs. */
export async function explainStatement(
  statement: Statement,
  scope: StatementScope,
  context: StatementContext,
): Promise<ExplainReport> {
  const inner = statement.kind === 'Explain' ? statement.body : statement;
  switch (inner.kind) {
    case 'Map':
    case 'Run':
    case 'CreateTable':
    case 'Insert': {
      const { body, target } = await resolveTarget(inner, scope);
      const { plan, env } = await planBody(body, target, scope, statement, context);
      return explain(plan, env);
    }
    default:
      throw new RvbbitError(
        'RVB_UNSUPPORTED',
        'explain() takes a RVBBIT MAP or RUN; for plain SQL, query() an EXPLAIN of it',
        { stage: 'plan' },
      );
  }
}

/** What a result says it came of. */
export function kindOf(statement: Statement): StatementKind {
  switch (statement.kind) {
    case 'Map':
      return 'map';
    case 'Run':
      return 'run';
    case 'CreateTable':
      return 'create_table';
    case 'Insert':
      return 'insert';
    case 'Explain':
      return 'explain';
    default:
      return 'sql';
  }
}

/** The first word of a statement's session name. */
export function prefixOf(statement: Statement): NamePrefix {
  if (statement.kind === 'CreateTable' || statement.kind === 'Insert') {
    return prefixOf(statement.body);
  }
  return statement.kind === 'Map' ? 'udf' : statement.kind === 'Run' ? 'batch' : 'sql';
}

function runSql(
  statement: SqlStatement,
  scope: StatementScope,
  context: StatementContext,
): Promise<ResultReader> {
  scope.ledger.open({ sql: context.source, kind: 'sql', origin: context.origin, parallel: 1 });
  const { parameters, stop, session } = scope;
  return session.run(statement.text, { parameters, signal: stop.signal });
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
  scope.ledger.open({
    sql: context.source,
    kind: kindOf(statement),
    origin: context.origin,
    ...(plan.label === undefined ? {} : { label: plan.label }),
    parallel: plan.parallel,
    cascade: plan.cascadeFile,
  });
  if (plan.deadlineMs !== undefined) scope.stop.limitTo(plan.deadlineMs, scope.ledger.elapsedMs);
  return { plan, env: { ...scope, cascade: bound.cascade } };
}

function unsupported(what: string): RvbbitError {
  return new RvbbitError(
    'RVB_UNSUPPORTED',
    `${what} is part of the dialect, but this version does not execute it yet`,
    { stage: 'bind' },
  );
}
