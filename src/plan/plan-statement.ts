/** Makes the plan of a bound statement. Pure: reads nothing and asks nothing. */
import { hasForEachRow } from '../cascade/refuse-cells.ts';
import { MAP_DEFAULT_ROWS, RUN_DEFAULT_ROWS } from '../limits.ts';
import type { BoundStatement } from './bind-statement.ts';
import type { ChosenParallel } from './choose-parallel.ts';
import type { CallPlan, MapPlan, MapTarget, Plan, RowLimit, RunPlan } from './plan.ts';
import type { StatementSettings } from './statement-settings.ts';

/**
 * Returns the plan of a bound statement. `generatedTable`: the name of the temp table for a RUN that gives no name.
 * `chosen`: n, if the statement leaves it to the engine.
 */
export function planStatement(
  bound: BoundStatement,
  target: MapTarget,
  generatedTable: string,
  chosen?: ChosenParallel,
): Plan {
  return bound.statement.kind === 'Map'
    ? planMap(bound, target, chosen)
    : planRun(bound, target, generatedTable);
}

function planMap(
  bound: BoundStatement,
  target: MapTarget,
  chosen: ChosenParallel | undefined,
): MapPlan {
  const { cascade, settings } = bound;
  const { asTable } = settings;
  return {
    kind: 'map',
    strategy: settings.strategy,
    ...common(bound, MAP_DEFAULT_ROWS),
    parallel: chosen?.parallel ?? settings.parallel,
    ...(chosen === undefined ? {} : { chosen }),
    // If the cascade is not deterministic, each row gets an answer of its own.
    dedupe: settings.dedupe && cascade.sqlFunction?.['deterministic'] !== false,
    ...(settings.distinct === undefined ? {} : { distinct: settings.distinct }),
    inputs: bound.inputs,
    ...(settings.errorColumn === undefined ? {} : { errorColumn: settings.errorColumn }),
    target: target.kind === 'rows' && asTable !== undefined ? { kind: 'rows', asTable } : target,
  };
}

function planRun(bound: BoundStatement, target: MapTarget, generatedTable: string): RunPlan {
  const { statement } = bound;
  const tables = statement.kind === 'Run' ? statement.returningTables : undefined;
  return {
    kind: 'run',
    strategy: 'batch',
    ...common(bound, RUN_DEFAULT_ROWS),
    parallel: hasForEachRow(bound.cascade) ? bound.settings.parallel : 1,
    asTable: bound.settings.asTable ?? generatedTable,
    ...(bound.settings.schema === undefined ? {} : { schema: bound.settings.schema }),
    ...(tables === undefined ? {} : { returningTables: tables.map(({ value }) => value) }),
    target,
  };
}

function common(bound: BoundStatement, defaultRows: number) {
  const { cascade, settings, statement, fields, onError } = bound;
  return {
    cascadeFile: cascade.file,
    cascadeHash: cascade.hash,
    query: statement.query.text,
    limit: rowLimit(bound, defaultRows),
    timeoutMs: settings.timeoutMs,
    calls: callPlan(settings),
    ...(settings.deadlineMs === undefined ? {} : { deadlineMs: settings.deadlineMs }),
    onError,
    resultColumn: settings.resultColumn,
    ...(fields === undefined ? {} : { fields }),
    ...(settings.label === undefined ? {} : { label: settings.label }),
  };
}

function callPlan(settings: StatementSettings): CallPlan {
  const { retries, budget, cache, dedupe, limits, batch, service } = settings;
  return {
    ...(retries === undefined ? {} : { maxAttempts: retries + 1 }),
    budget,
    cache,
    dedupe,
    ...(limits === undefined ? {} : { limits }),
    ...(batch === undefined ? {} : { batch }),
    ...(service === undefined ? {} : { service }),
  };
}

/** The smaller of `limit` and the query's own LIMIT holds. The default holds only if neither is given. */
function rowLimit(
  { settings, hasLimit, queryLimit }: BoundStatement,
  defaultRows: number,
): RowLimit {
  if (settings.limit !== undefined) return { rows: settings.limit, source: 'option' };
  if (hasLimit) {
    return {
      rows: null,
      source: 'query',
      ...(queryLimit === undefined ? {} : { ofQuery: queryLimit }),
    };
  }
  return { rows: defaultRows, source: 'default' };
}
