/** What WITH, modifiers and annotations of a statement add up to. */
import type { Annotation, MapStatement, Option, RunStatement } from '../../grammar/ast.ts';
import { parseDurationMs } from '../../grammar/options.ts';
import { RvbbitError } from '../errors.ts';
import type { Json } from '../json.ts';
import { MAX_PARALLEL, RUN_TIMEOUT_MS } from '../limits.ts';
import type { CallLimits } from '../model/call-limits.ts';
import type { ModelOverride } from '../model/models.ts';
import type { BudgetLimits, CacheSetting } from '../plan/plan.ts';

/** What becomes of a row whose cascade failed. */
export type OnError =
  | { readonly kind: 'null' }
  | { readonly kind: 'fail' }
  | { readonly kind: 'skip' }
  | { readonly kind: 'default'; readonly value: string };

export interface StatementSettings {
  readonly parallel: number;
  /** From `limit = n`. */
  readonly limit?: number;
  readonly onError: OnError;
  readonly errorColumn?: string;
  readonly resultColumn: string;
  readonly timeoutMs: number;
  readonly deadlineMs?: number;
  readonly dedupe: boolean;
  /** Attempts after the first, at a call that fails for a while. */
  readonly retries?: number;
  readonly budget: BudgetLimits;
  readonly cache: CacheSetting;
  /** The statement's own limits on its calls: with the provider's the tighter holds. */
  readonly limits?: CallLimits;
  /** MAP DISTINCT, or the columns of `dedupe_by`. */
  readonly distinct?: 'row' | readonly string[];
  readonly asTable?: string;
  readonly label?: string;
  /** Set over the cascade's cells. */
  readonly modelOverride: ModelOverride;
}

/** Options and annotations that the grammar knows and a later version executes. */
const LATER: ReadonlySet<string> = new Set([
  'batch',
  'max_pairs',
  'schema',
  'threshold',
  'prompt',
  'join',
]);

/**
 * WITH or modifier over annotation over `defaultParallel` (engine option or CLI flag). Throws
 * RVB_UNSUPPORTED for what this version does not execute, naming it.
 */
export function resolveSettings(
  statement: MapStatement | RunStatement,
  defaultParallel: number,
): StatementSettings {
  refuseLaterClauses(statement);
  const values = new Map<string, string | number | boolean>();
  for (const { key, value } of statement.annotations.map(annotationValue)) values.set(key, value);
  for (const option of statement.options) values.set(optionKey(option), option.value.value);
  refuseLaterOptions(values);
  const isMap = statement.kind === 'Map';
  const distinct = isMap && (statement.distinct !== undefined || values.get('distinct') === true);
  const dedupeBy = values.get('dedupe_by');
  return {
    parallel: parallelOf(statement, values, defaultParallel),
    ...given('limit', values.get('limit') as number | undefined),
    onError: onErrorOf(values.get('on_error'), isMap),
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
    ...given('label', values.get('label') as string | undefined),
    modelOverride: modelOverrideOf(values),
  };
}

function refuseLaterClauses(statement: MapStatement | RunStatement): void {
  const later =
    statement.async !== undefined
      ? 'ASYNC'
      : statement.kind === 'Map' && statement.batch !== undefined
        ? 'MAP BATCH'
        : statement.kind === 'Run' && statement.returningTables !== undefined
          ? 'RETURNING TABLES'
          : statement.columns === undefined
            ? undefined
            : statement.kind === 'Map' && statement.columnsFrom === 'as'
              ? 'AS ( … ) with typed columns'
              : 'RETURNING';
  if (later !== undefined) throw unsupported(later);
}

function refuseLaterOptions(values: ReadonlyMap<string, unknown>): void {
  for (const [key, value] of values) {
    const later =
      LATER.has(key) ||
      (key === 'order' && value !== 'input') ||
      (key === 'strategy' && value !== 'auto' && value !== 'batch');
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

function parallelOf(
  statement: MapStatement | RunStatement,
  values: ReadonlyMap<string, unknown>,
  fallback: number,
): number {
  if (statement.kind === 'Run') return 1;
  const asked = statement.parallel?.value ?? (values.get('parallel') as number | undefined);
  const parallel = asked ?? fallback;
  if (!Number.isInteger(parallel) || parallel < 1 || parallel > MAX_PARALLEL) {
    throw new RvbbitError(
      'RVB_OPTION_TYPE',
      `parallel takes a whole number from 1 to ${MAX_PARALLEL}, not ${parallel}`,
      { stage: 'bind' },
    );
  }
  return parallel;
}

function onErrorOf(value: unknown, isMap: boolean): OnError {
  if (value === undefined || value === 'null') return { kind: 'null' };
  if (value === 'fail') return { kind: 'fail' };
  if (isMap && value === 'skip') return { kind: 'skip' };
  if (isMap && typeof value === 'string' && value.startsWith('default:')) {
    return { kind: 'default', value: value.slice('default:'.length) };
  }
  throw new RvbbitError(
    'RVB_OPTION_TYPE',
    `on_error takes ${isMap ? `'null', 'fail', 'skip' or 'default:…'` : `'null' or 'fail' in RUN`}, not '${value}'`,
    { stage: 'bind' },
  );
}

function durationOf(values: ReadonlyMap<string, unknown>, key: string): number | undefined {
  const value = values.get(key);
  return typeof value === 'string' || typeof value === 'number'
    ? parseDurationMs(value)
    : undefined;
}

/** `max_cost` is in dollars, as prices are. */
function budgetOf(values: ReadonlyMap<string, unknown>): BudgetLimits {
  const dollars = values.get('max_cost') as number | undefined;
  return {
    ...given('calls', values.get('max_calls') as number | undefined),
    ...given('tokens', values.get('max_total_tokens') as number | undefined),
    ...(dollars === undefined ? {} : { costMicroUsd: Math.round(dollars * 1e6) }),
  };
}

function limitsOf(values: ReadonlyMap<string, unknown>): CallLimits | undefined {
  const limits: CallLimits = {
    ...given('rpm', values.get('rpm') as number | undefined),
    ...given('inputTpm', values.get('input_tpm') as number | undefined),
    ...given('outputTpm', values.get('output_tpm') as number | undefined),
  };
  return Object.keys(limits).length === 0 ? undefined : limits;
}

function modelOverrideOf(values: ReadonlyMap<string, unknown>): ModelOverride {
  const parameters: Record<string, Json> = {};
  for (const key of ['temperature', 'max_tokens', 'seed']) {
    const value = values.get(key);
    if (typeof value === 'number') parameters[key] = value;
  }
  return { ...given('model', values.get('model') as string | undefined), parameters };
}

function optionKey(option: Option): string {
  return option.key.value.toLowerCase();
}

/** `-- @ parallel` without a number means 10; numbers and booleans are read as such. */
function annotationValue(annotation: Annotation): {
  key: string;
  value: string | number | boolean;
} {
  const { key, value } = annotation;
  if (value === undefined) return { key, value: key === 'parallel' ? 10 : true };
  if (/^-?\d+(\.\d+)?$/.test(value)) return { key, value: Number(value) };
  if (value === 'true' || value === 'false') return { key, value: value === 'true' };
  return { key, value };
}

function given<Key extends string, Value>(
  key: Key,
  value: Value | undefined,
): { [name in Key]?: Value } {
  return (value === undefined ? {} : { [key]: value }) as { [name in Key]?: Value };
}
