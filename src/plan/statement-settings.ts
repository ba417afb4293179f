/** Combines WITH, modifiers and annotations of a statement into its settings. */
import type { MapStatement, RunStatement } from '../../grammar/ast.ts';
import { parseDurationMs } from '../../grammar/duration.ts';
import { settingValues } from '../../grammar/setting-values.ts';
import type { SettingValue } from '../../grammar/value-spec.ts';
import { RvbbitError } from '../errors.ts';
import { RUN_TIMEOUT_MS } from '../limits.ts';
import type { CallLimits } from '../model/call-limits.ts';
import type { ModelOverride } from '../model/models.ts';
import type { Strategy } from '../result.ts';
import type { Json } from '../util/json.ts';
import type { BudgetLimits } from './budget-limits.ts';
import type { BatchRows, CacheSetting, OnError } from './plan.ts';
import type { PlanContext } from './plan-context.ts';

/** Runs in flight at most, if neither the statement nor the engine says PARALLEL. */
const DEFAULT_PARALLEL = 1;

type Settings = ReadonlyMap<string, SettingValue>;

export interface StatementSettings {
  readonly strategy: Strategy;
  readonly parallel: number;
  /** True if the statement has `strategy = 'auto'` and no PARALLEL: the engine then chooses n. */
  readonly choosesParallel: boolean;
  /** From `limit = n`. */
  readonly limit?: number;
  readonly onError: OnError;
  readonly errorColumn?: string;
  readonly resultColumn: string;
  readonly timeoutMs: number;
  readonly deadlineMs?: number;
  readonly dedupe: boolean;
  /** The most attempts after the first at a call that fails temporarily. */
  readonly retries?: number;
  readonly budget: BudgetLimits;
  readonly cache: CacheSetting;
  /** The statement's own limits on its calls. Of these and the provider's limits, the tighter holds. */
  readonly limits?: CallLimits;
  /** The most questions of one call. Absent: one. */
  readonly batch?: BatchRows;
  /** `batch`: the calls are made by the provider's Batch API. */
  readonly service?: 'batch';
  /** MAP DISTINCT, or the columns of `dedupe_by`. */
  readonly distinct?: 'row' | readonly string[];
  readonly asTable?: string;
  /** The schema for the tables that a RUN's cascade makes. */
  readonly schema?: string;
  readonly label?: string;
  /** The settings that override those of the cascade's cells. */
  readonly modelOverride: ModelOverride;
}

/** Options and annotations that the grammar knows but only a later version executes. */
const LATER: ReadonlySet<string> = new Set(['max_pairs', 'threshold', 'prompt', 'join']);

/**
 * Resolves the settings. WITH and modifiers override annotations, and these override `defaultParallel` (engine option
 * or CLI flag). Throws RVB_UNSUPPORTED with the name of any part that this version does not execute.
 */
export function resolveSettings(
  statement: MapStatement | RunStatement,
  defaults: Pick<PlanContext, 'defaultParallel' | 'resumeParallel'>,
): StatementSettings {
  refuseAsync(statement);
  const values = settingValues(statement.annotations, statement.options);
  refuseLaterOptions(values);
  if (statement.kind === 'Map' && values.has('schema')) {
    const advice = 'of a MAP use CREATE TABLE schema.name AS RVBBIT MAP …';
    throw new RvbbitError('RVB_UNSUPPORTED', `schema is where the tables of a RUN go; ${advice}`, {
      stage: 'bind',
    });
  }
  const isMap = statement.kind === 'Map';
  const distinct = isMap && (statement.distinct !== undefined || values.get('distinct') === true);
  const dedupeBy = values.get('dedupe_by');
  return {
    strategy: strategyOf(values.get('strategy')),
    ...parallelOf(statement, values, defaults),
    ...given('limit', values.get('limit') as number | undefined),
    onError: onErrorOf(values.get('on_error') as string | undefined),
    ...given('errorColumn', values.get('error_column') as string | undefined),
    resultColumn:
      (isMap ? statement.alias?.value : undefined) ??
      (values.get('result_column') as string | undefined) ??
      'result',
    timeoutMs: durationOf(values, 'timeout') ?? RUN_TIMEOUT_MS,
    ...given('deadlineMs', durationOf(values, 'deadline')),
    dedupe: values.get('dedupe') !== false,
    ...given('retries', values.get('retries') as number | undefined),
    budget: budgetOf(values),
    cache: values.get('cache') ?? true,
    ...given('limits', limitsOf(values)),
    ...given('batch', isMap ? batchOf(statement.batch?.value ?? values.get('batch')) : undefined),
    ...given('service', values.get('service') as 'batch' | undefined),
    ...(dedupeBy === undefined
      ? distinct
        ? { distinct: 'row' as const }
        : {}
      : {
          distinct: String(dedupeBy)
            .split(',')
            .map((name) => name.trim()),
        }),
    ...given('asTable', values.get('as_table') as string | undefined),
    ...given('schema', values.get('schema') as string | undefined),
    ...given('label', values.get('label') as string | undefined),
    modelOverride: modelOverrideOf(values),
  };
}

/** A statement with ASYNC is submitted without the word. Here it stands within another statement. */
function refuseAsync(statement: MapStatement | RunStatement): void {
  if (statement.async === undefined) return;
  const advice = 'in brackets, leave it out, or make a table first: CREATE TABLE … AS';
  throw new RvbbitError('RVB_UNSUPPORTED', `ASYNC is for a whole statement; ${advice}`, {
    stage: 'bind',
  });
}

function refuseLaterOptions(values: Settings): void {
  for (const [key, value] of values) {
    const later = LATER.has(key) || (key === 'order' && value !== 'input');
    if (later) throw unsupported(`the option ${key}${LATER.has(key) ? '' : ` = ${value}`}`);
  }
}

function unsupported(what: string): RvbbitError {
  return new RvbbitError(
    'RVB_UNSUPPORTED',
    `${what} is part of the dialect, but this version does not execute it yet; leave it out`,
    { stage: 'bind' },
  );
}

function strategyOf(value: SettingValue | undefined): Strategy {
  return value === undefined || value === 'auto' ? 'batch' : (value as Strategy);
}

function parallelOf(
  statement: MapStatement | RunStatement,
  values: Settings,
  { defaultParallel, resumeParallel }: Pick<PlanContext, 'defaultParallel' | 'resumeParallel'>,
): Pick<StatementSettings, 'parallel' | 'choosesParallel'> {
  const modifier = statement.kind === 'Map' ? statement.parallel?.value : undefined;
  const written = modifier ?? (values.get('parallel') as number | undefined);
  const said = resumeParallel ?? written;
  return {
    parallel: said ?? defaultParallel ?? DEFAULT_PARALLEL,
    choosesParallel:
      statement.kind === 'Map' && said === undefined && values.get('strategy') === 'auto',
  };
}

/** Returns the most questions of a call; undefined for one. */
export function batchOf(value: SettingValue | undefined): BatchRows | undefined {
  if (value === undefined || String(value) === '1') return undefined;
  return value === 'auto' ? 'auto' : Number(value);
}

function onErrorOf(value: string | undefined): OnError {
  if (value === 'fail' || value === 'skip') return { kind: value };
  if (value === undefined || value === 'null') return { kind: 'null' };
  return { kind: 'default', value: value.slice('default:'.length) };
}

function durationOf(values: Settings, key: string): number | undefined {
  const value = values.get(key);
  return typeof value === 'string' || typeof value === 'number'
    ? parseDurationMs(value)
    : undefined;
}

/** Returns the budget limits. `max_cost` is in dollars, like prices. */
export function budgetOf(values: Settings): BudgetLimits {
  const dollars = values.get('max_cost') as number | undefined;
  return {
    ...given('calls', values.get('max_calls') as number | undefined),
    ...given('tokens', values.get('max_total_tokens') as number | undefined),
    ...(dollars === undefined ? {} : { costMicroUsd: Math.round(dollars * 1e6) }),
  };
}

function limitsOf(values: Settings): CallLimits | undefined {
  const limits: CallLimits = {
    ...given('rpm', values.get('rpm') as number | undefined),
    ...given('inputTpm', values.get('input_tpm') as number | undefined),
    ...given('outputTpm', values.get('output_tpm') as number | undefined),
  };
  return Object.keys(limits).length === 0 ? undefined : limits;
}

function modelOverrideOf(values: Settings): ModelOverride {
  const parameters: Record<string, Json> = {};
  for (const key of ['temperature', 'top_p', 'max_tokens', 'reasoning_effort', 'seed']) {
    const value = values.get(key);
    if (typeof value === 'number' || typeof value === 'string') parameters[key] = value;
  }
  return { ...given('model', values.get('model') as string | undefined), parameters };
}

function given<Key extends string, Value>(
  key: Key,
  value: Value | undefined,
): { [name in Key]?: Value } {
  return (value === undefined ? {} : { [key]: value }) as { [name in Key]?: Value };
}
