/** Resolves the CREATE TABLE or INSERT around a MAP or RUN, and checks its table before anything runs. */
import type {
  CreateTableStatement,
  InsertStatement,
  MapStatement,
  QualifiedName,
  RunStatement,
} from '../../grammar/ast.ts';
import { createSourceText } from '../../grammar/source-text.ts';
import { quoteIdentifier } from '../duck/quote.ts';
import { namedTypeText } from '../duck/stage.ts';
import { RvbbitError } from '../errors.ts';
import { findNamedObject } from './named-object.ts';
import { placedAt } from './placed-error.ts';
import { ERROR_TYPE, type MapTarget } from './plan.ts';
import type { PlanContext } from './plan-context.ts';
import { bindFields } from './result-fields.ts';

/** A statement that runs a cascade. */
export type CascadeStatement = MapStatement | RunStatement | CreateTableStatement | InsertStatement;

export interface ResolvedTarget {
  readonly body: MapStatement | RunStatement;
  readonly target: MapTarget;
  /** True for CREATE TABLE IF NOT EXISTS of a table that exists: there is nothing to do. */
  readonly done: boolean;
}

type TargetContext = Pick<PlanContext, 'session' | 'stop' | 'parameters'>;

/** Throws, at the table's name, the error about the table that DuckDB would otherwise give after all rows have run. */
export async function resolveTarget(
  statement: CascadeStatement,
  context: TargetContext,
  source: string,
): Promise<ResolvedTarget> {
  if (statement.kind === 'Map' || statement.kind === 'Run') {
    return { body: statement, target: { kind: 'rows' }, done: false };
  }
  refuseAsTable(statement, source);
  try {
    return await (statement.kind === 'CreateTable'
      ? resolveCreate(statement, context, source)
      : resolveInsert(statement, context, source));
  } catch (error) {
    throw placedAt(error, source, statement.table.span.start);
  }
}

/** Refuses `as_table` of a MAP whose rows already go to a table. */
function refuseAsTable({ kind, body }: CreateTableStatement | InsertStatement, source: string) {
  const option = body.kind === 'Map' && body.options.find(({ key }) => key.value === 'as_table');
  if (!option) return;
  const head = kind === 'CreateTable' ? 'CREATE TABLE' : 'INSERT INTO';
  throw new RvbbitError(
    'RVB_UNSUPPORTED',
    `as_table is not for a MAP after ${head}, which writes its rows to one table; leave it out, and copy the table afterwards: CREATE TEMP TABLE … AS FROM …`,
    { stage: 'bind', place: createSourceText(source).positionAt(option.span.start) },
  );
}

async function resolveCreate(
  statement: CreateTableStatement,
  context: TargetContext,
  source: string,
): Promise<ResolvedTarget> {
  const { body, table, temporary, orReplace, ifNotExists } = statement;
  const create = createSql(statement);
  await explain(`${create} SELECT NULL`, context);
  const parts = table.parts.map(({ value }) => value);
  const existing = await findNamedObject(context.session, parts, temporary, context.stop.signal);
  if (existing !== undefined && !ifNotExists && !(orReplace && existing === 'table')) {
    const advice = existing === 'table' ? 'say CREATE OR REPLACE TABLE, or drop it' : 'drop it';
    throw new RvbbitError(
      'RVB_SQL',
      `${existing} ${sqlName(table)} exists already; ${advice} first`,
      { stage: 'bind', sqlState: '42P07' },
    );
  }
  return {
    body,
    target: { kind: 'create', table: writtenName(table, source), create },
    done: existing !== undefined && ifNotExists,
  };
}

async function resolveInsert(
  statement: InsertStatement,
  context: TargetContext,
  source: string,
): Promise<ResolvedTarget> {
  const { body } = statement;
  const insert = insertSql(statement);
  const { session, parameters, stop } = context;
  const columns = await session
    .describe(body.query.text, { parameters, signal: stop.signal })
    // Errors of the query are reported when the query is bound.
    .catch(() => undefined);
  if (columns !== undefined) {
    const hasErrors = body.options.some(({ key }) => key.value === 'error_column');
    const fields =
      body.columns === undefined
        ? undefined
        : await bindFields(body.columns, { ...context, source });
    const types = [
      ...columns.map(({ duckType }) => namedTypeText(duckType)),
      ...(fields?.map(({ type }) => type) ?? ['VARCHAR']),
      ...(hasErrors ? [ERROR_TYPE] : []),
    ];
    // For DuckDB an untyped NULL is an INTEGER, which cannot be cast to some types.
    const nulls = types.map((type) => `CAST(NULL AS ${type})`);
    await explain(`${insert} SELECT ${nulls.join(', ')}`, context);
  }
  const table = writtenName(statement.table, source);
  return { body, target: { kind: 'insert', table, insert }, done: false };
}

/** Checks a statement: to explain it, DuckDB binds it, and so finds its errors. */
async function explain(sql: string, { session, stop: { signal } }: TargetContext): Promise<void> {
  await session.run(`EXPLAIN ${sql}`, { signal });
}

function createSql(statement: CreateTableStatement): string {
  return [
    'CREATE',
    ...(statement.orReplace ? ['OR REPLACE'] : []),
    ...(statement.temporary ? ['TEMP'] : []),
    'TABLE',
    ...(statement.ifNotExists ? ['IF NOT EXISTS'] : []),
    sqlName(statement.table),
    'AS',
  ].join(' ');
}

function insertSql({ table, columns }: InsertStatement): string {
  const names = columns?.map(({ value }) => quoteIdentifier(value)).join(', ');
  return `INSERT INTO ${sqlName(table)}${names === undefined ? '' : ` (${names})`}`;
}

/** Returns the name as the user wrote it. */
function writtenName({ span }: QualifiedName, source: string): string {
  return source.slice(span.start, span.end);
}

/** Returns a name as SQL, each part in quotes. */
export function sqlName(name: QualifiedName): string {
  return name.parts.map(({ value }) => quoteIdentifier(value)).join('.');
}
