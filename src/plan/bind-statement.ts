/** Binds a MAP or RUN: its cascade, its settings, the columns and the limit of its query. */
import type { MapStatement, RunStatement } from '../../grammar/ast.ts';
import { createSourceText } from '../../grammar/source-text.ts';
import type { Cascade } from '../cascade/cascade.ts';
import { hasForEachRow, refuseCells } from '../cascade/refuse-cells.ts';
import type { Column } from '../duck/session.ts';
import { RvbbitError } from '../errors.ts';
import { providerOf, withFallbacks } from '../model/chat.ts';
import type { BoundModels } from '../model/models.ts';
import { findColumn } from '../util/find-column.ts';
import { bindInputs, checkRunInputs, listNames } from './bind-inputs.ts';
import { findNamedObject } from './named-object.ts';
import { placedAt, placedWithin } from './placed-error.ts';
import type { InputColumn, OnError } from './plan.ts';
import type { PlanContext } from './plan-context.ts';
import { bindFields, type ResultField } from './result-fields.ts';
import { schemaSql } from './schema-name.ts';
import { resolveSettings, type StatementSettings } from './statement-settings.ts';
import { typedValue } from './typed-value.ts';
import { withWantedSchema } from './wanted-schema.ts';

export interface BoundStatement {
  readonly statement: MapStatement | RunStatement;
  readonly cascade: Cascade;
  readonly settings: StatementSettings;
  /** From the settings. A default value is converted for the result's columns. */
  readonly onError: OnError;
  /** The columns of a typed result. */
  readonly fields?: readonly ResultField[];
  /** The query's columns. Repeated names were made different. */
  readonly columns: readonly Column[];
  /** The inputs that a MAP gives each run; empty for a RUN. */
  readonly inputs: readonly InputColumn[];
  /** True if the query's own outermost SELECT has a LIMIT or FETCH. */
  readonly hasLimit: boolean;
  /** The number in the query's LIMIT; absent if it is not a number. */
  readonly queryLimit?: number;
  /** Absent if no cell asks a model. */
  readonly models?: BoundModels;
}

export async function bindStatement(
  statement: MapStatement | RunStatement,
  context: PlanContext,
): Promise<BoundStatement> {
  const settings = resolveSettings(statement, context);
  // YAML and the schema are loaded with the first cascade, so that plain SQL starts without them.
  const { loadCascade } = await import('../cascade/load-cascade.ts');
  const written = await loadCascade(await context.cascadeRoots(), statement.cascade.value);
  refuseCells(written, statement.kind === 'Map' ? 'map' : 'run');
  refuseParallel(statement, written);
  const fields =
    statement.columns === undefined ? undefined : await bindFields(statement.columns, context);
  // A RUN's columns come from the outputs of all its cells, and not of the last cell alone.
  const isOfValue = fields !== undefined && statement.kind === 'Map';
  const cascade = isOfValue ? withWantedSchema(written, fields) : written;
  const models = await context.models.bind(cascade, settings.modelOverride);
  if (settings.budget.costMicroUsd !== undefined) refuseUncosted(models);
  refuseService(statement, { cascade, settings, models, source: context.source });
  const { session, parameters, stop } = context;
  const query = statement.query.text;
  const columns = await session
    .describe(query, { parameters, signal: stop.signal })
    .catch((error: unknown) => {
      throw placedWithin(error, context.source, statement.query.span.start, query);
    });
  await refuseAsTable(statement, context);
  await refuseSchema(statement, context);
  const { hasLimit, limit } = await session.queryShape(query);
  if (fields !== undefined) refuseNameBeside(statement, context.source);
  if (statement.kind === 'Map') {
    refuseCollisions(settings, fields, columns);
    refuseUnknownColumns(settings, columns);
  } else checkRunInputs(cascade);
  return {
    statement,
    cascade,
    settings,
    onError: onErrorOf(settings.onError, fields),
    ...(fields === undefined ? {} : { fields }),
    columns,
    inputs: statement.kind === 'Map' ? bindInputs(cascade, columns) : [],
    hasLimit,
    ...(limit === undefined ? {} : { queryLimit: limit }),
    ...(models === undefined ? {} : { models }),
  };
}

/** Refuses `max_cost` with a model without a price, because nothing would tell when the money is spent. */
function refuseUncosted(models: BoundModels | undefined): void {
  for (const target of Object.values(models?.settings.targets ?? {}).flatMap(withFallbacks)) {
    const provider = providerOf(target);
    const usage = { inputTokens: 1, outputTokens: 1 };
    if (models?.costOf(provider, target.model, usage) !== undefined) continue;
    const what = `max_cost needs a price, and ${provider}/${target.model} has none`;
    const advice = 'set providers.<id>.prices in rvbbit.config.yaml, or use max_calls';
    throw new RvbbitError('RVB_UNCOSTED', `${what}; ${advice}`, { stage: 'bind' });
  }
}

/** Refuses `service` with a provider that has no Batch API, and where answers could not be found again. */
function refuseService(
  { options }: MapStatement | RunStatement,
  {
    cascade,
    settings: { service, batch, cache, dedupe },
    models,
    source,
  }: Pick<BoundStatement, 'cascade' | 'settings'> & {
    readonly models: BoundModels | undefined;
    readonly source: string;
  },
): void {
  if (service === undefined) return;
  const option = options.find(({ key }) => key.value === 'service')!;
  const refuse = (why: string): never => {
    const place = createSourceText(source).positionAt(option.span.start);
    throw new RvbbitError('RVB_UNSUPPORTED', `service = 'batch' ${why}`, { stage: 'bind', place });
  };
  if (batch !== undefined) refuse('sends a request for each question; leave BATCH out');
  const isStored = cache !== false && cache !== 'refresh' && dedupe;
  if (!isStored || cascade.sqlFunction?.['deterministic'] === false) {
    const what = 'a run begins again when its answer has come, and finds those that it had before';
    refuse(`needs stored answers: ${what}; leave out cache, dedupe and deterministic: false`);
  }
  if (models === undefined)
    refuse(`is for cascades that ask a model, and ${cascade.file} asks none`);
  for (const target of Object.values(models?.settings.targets ?? {}).flatMap(withFallbacks)) {
    if (target.kind === 'provider' && 'batches' in target.provider) continue;
    const advice = 'leave the option out, or say batches: true at providers.<id> if it has one';
    refuse(`needs a Batch API, and the provider ${providerOf(target)} has none; ${advice}`);
  }
}

/** Refuses `as_table` with the name of a temporary view: the temp table may replace a temp table, but no view. */
async function refuseAsTable(
  { options }: MapStatement | RunStatement,
  { session, stop: { signal }, source }: PlanContext,
): Promise<void> {
  const value = options.find(({ key }) => key.value === 'as_table')?.value;
  if (value?.kind !== 'StringLiteral') return;
  if ((await findNamedObject(session, [value.value], true, signal)) !== 'view') return;
  const what = `as_table = '${value.value}' is the name of a temporary view`;
  const error = new RvbbitError('RVB_SQL', `${what}; drop it first, or choose another name`, {
    stage: 'bind',
    sqlState: '42P07',
  });
  throw placedAt(error, source, value.span.start);
}

function refuseCollisions(
  { resultColumn, errorColumn }: StatementSettings,
  fields: readonly ResultField[] | undefined,
  columns: readonly Column[],
): void {
  const results = fields ?? [{ name: resultColumn }];
  for (const { name } of results) {
    const taken = findColumn(columns, name);
    if (taken === undefined) continue;
    const advice = fields === undefined ? 'with AS' : "with FROM 'a JSON path'";
    throw collision(
      `the result column "${name}" has the name of the query's column "${taken.name}"; name it otherwise ${advice}`,
    );
  }
  if (errorColumn === undefined) return;
  const other = findColumn([...columns, ...results], errorColumn);
  if (other !== undefined) {
    throw collision(
      `error_column = '${errorColumn}' has the name of the column "${other.name}"; choose another`,
    );
  }
}

/** Refuses a name for the result column beside RETURNING, whose columns have their own names. */
function refuseNameBeside(statement: MapStatement | RunStatement, source: string): void {
  const option = statement.options.find(({ key }) => key.value === 'result_column');
  const name = statement.kind === 'Map' ? (statement.alias ?? option) : option;
  if (name === undefined) return;
  throw new RvbbitError(
    'RVB_SYNTAX',
    'the columns of RETURNING have their own names; leave out the name of the one column of an untyped result',
    { stage: 'bind', place: createSourceText(source).positionAt(name.span.start) },
  );
}

/** Refuses a `schema` that does not exist before any model is asked: to explain a statement, DuckDB binds it. */
async function refuseSchema(
  { options }: MapStatement | RunStatement,
  { session, stop: { signal }, source }: PlanContext,
): Promise<void> {
  const value = options.find(({ key }) => key.value === 'schema')?.value;
  if (value?.kind !== 'StringLiteral') return;
  const table = `${schemaSql(value.value)}.rvb_any`;
  await session
    .run(`EXPLAIN CREATE TABLE ${table} AS SELECT 1`, { signal })
    .catch((error: unknown) => {
      throw placedAt(error, source, value.span.start);
    });
}

/** Returns `on_error` with its default converted for the columns. A default that they do not take is refused before any row. */
function onErrorOf(onError: OnError, fields: readonly ResultField[] | undefined): OnError {
  if (onError.kind !== 'default' || fields === undefined) return onError;
  const converted = typedValue(fields, onError.value);
  if ('value' in converted) return { kind: 'default', value: converted.value };
  throw new RvbbitError(
    'RVB_OPTION_TYPE',
    `on_error = 'default:${onError.value}' is no value of the columns: ${converted.error.message}`,
    { stage: 'bind' },
  );
}

function collision(message: string): RvbbitError {
  return new RvbbitError('RVB_COLUMN_COLLISION', message, { stage: 'bind' });
}

function refuseUnknownColumns(settings: StatementSettings, columns: readonly Column[]): void {
  if (settings.distinct === undefined || settings.distinct === 'row') return;
  for (const name of settings.distinct) {
    if (findColumn(columns, name) === undefined) {
      throw new RvbbitError(
        'RVB_OPTION_TYPE',
        `dedupe_by names "${name}", which is no column of the query; it has ${listNames(columns)}`,
        { stage: 'bind' },
      );
    }
  }
}

/** Refuses `parallel` on a RUN without `for_each_row` cells: the option is for the rows of such cells. */
function refuseParallel({ kind, options }: MapStatement | RunStatement, cascade: Cascade): void {
  const isOption = options.some(({ key }) => key.value === 'parallel');
  if (kind === 'Map' || !isOption || hasForEachRow(cascade)) return;
  const what = `parallel of a RUN is for cells with for_each_row, and ${cascade.file} has none`;
  throw new RvbbitError('RVB_UNSUPPORTED', `${what}: it runs once`, { stage: 'bind' });
}
