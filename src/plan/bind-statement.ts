/** Binds a MAP or RUN: its cascade, its settings, the columns and the limit of its query. */
import type { MapStatement, RunStatement } from '../../grammar/ast.ts';
import { createSourceText } from '../../grammar/source-text.ts';
import type { Cascade } from '../cascade/cascade.ts';
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
  /** As the settings say; a default as its columns take it. */
  readonly onError: OnError;
  /** The columns of a typed result. */
  readonly fields?: readonly ResultField[];
  /** The query's columns, repeated names told apart. */
  readonly columns: readonly Column[];
  /** What a MAP gives each run; nothing of a RUN. */
  readonly inputs: readonly InputColumn[];
  /** The query's own outermost select says LIMIT or FETCH. */
  readonly hasLimit: boolean;
  /** Its number, where it is one. */
  readonly queryLimit?: number;
  /** Absent where no cell asks a model. */
  readonly models?: BoundModels;
}

export async function bindStatement(
  statement: MapStatement | RunStatement,
  context: PlanContext,
): Promise<BoundStatement> {
  const settings = resolveSettings(statement, context);
  // YAML and the schema are loaded with the first cascade: plain SQL starts without them.
  const { loadCascade } = await import('../cascade/load-cascade.ts');
  const written = await loadCascade(context.cascadeRoot, statement.cascade.value);
  refuseLaterCells(written);
  const fields =
    statement.columns === undefined ? undefined : await bindFields(statement.columns, context);
  // A RUN's columns are of its cells' outputs, and not of the last cell's alone.
  const isOfValue = fields !== undefined && statement.kind === 'Map';
  const cascade = isOfValue ? withWantedSchema(written, fields) : written;
  const models = await context.models.bind(cascade, settings.modelOverride);
  if (settings.budget.costMicroUsd !== undefined) refuseUncosted(models);
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

/** Without a price nothing says when the money is spent. */
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

/** The temp table of `as_table` takes the place of a temp table, and of no view. */
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

/** The columns have their own names. */
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

/** DuckDB binds a statement that it explains: a schema that is not there is told before a model is asked. */
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

/** A default that its columns do not take is refused before the first row. */
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

/** Refuses a cascade with a cell that this version does not execute. */
export function refuseLaterCells(cascade: Cascade): void {
  for (const cell of cascade.cells) {
    const later = cell.unsupported?.[0];
    if (later !== undefined) {
      throw new RvbbitError(
        'RVB_UNSUPPORTED',
        `${cascade.file}: cell ${cell.name} uses ${later}, which this version does not execute yet`,
        { stage: 'bind' },
      );
    }
  }
  for (const nested of Object.values(cascade.nested)) refuseLaterCells(nested);
}
