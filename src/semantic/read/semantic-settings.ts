/** The settings that the annotations of a semantic statement give, and their defaults. */

import type { Annotation } from '../../../grammar/ast.ts';
import { parseDurationMs } from '../../../grammar/duration.ts';
import { RvbbitError } from '../../errors.ts';
import { RUN_TIMEOUT_MS } from '../../limits.ts';
import type { ModelOverride } from '../../model/models.ts';
import type { BudgetLimits } from '../../plan/budget-limits.ts';
import type { BatchRows, CacheSetting, OnError } from '../../plan/plan.ts';
import type { PlanContext } from '../../plan/plan-context.ts';
import { batchOf } from '../../plan/statement-settings.ts';
import type { Strategy } from '../../result.ts';
import type { JsonObject } from '../../util/json.ts';

/** The most calls in flight, if neither a semantic statement nor the engine says `parallel`. */
const SEMANTIC_PARALLEL = 10;
/** A semantic statement with more predicted calls than this is refused, if it does not say `max_calls`. */
const SEMANTIC_MAX_CALLS = 10_000;
/** A semantic statement that compares more pairs of values of two columns is refused, if it does not say `max_pairs`. */
const SEMANTIC_MAX_PAIRS = 100_000;
/** The score from which `ABOUT` and similar operators count as TRUE where a BOOLEAN is needed, by default. */
const SEMANTIC_THRESHOLD = 0.5;

export interface SemanticSettings {
  readonly strategy: Strategy;
  readonly parallel: number;
  /** The most questions of one call. Absent: one. */
  readonly batch?: BatchRows;
  readonly threshold: number;
  /** The statement is refused if it would make more calls than this. */
  readonly maxCalls: number;
  readonly maxPairs: number;
  readonly onError: Exclude<OnError, { kind: 'skip' }>;
  /** True if the statement does not say `on_error`. */
  readonly isOnErrorDefault: boolean;
  readonly timeoutMs: number;
  readonly budget: BudgetLimits;
  readonly cache: CacheSetting;
  /** Settings that override those of the operators' cells. */
  readonly modelOverride: ModelOverride;
}

/**
 * The settings of a statement whose annotations are known and well-formed. `writes`: its result goes to a table or
 * file. `parallels`: what stands before and behind the annotation `parallel`. Throws RVB_UNSUPPORTED, RVB_OPTION_TYPE.
 */
export function semanticSettings(
  annotations: readonly Annotation[],
  writes: boolean,
  parallels: Pick<PlanContext, 'defaultParallel' | 'resumeParallel'>,
): SemanticSettings {
  const values = new Map(annotations.map(({ key, value }) => [key, value]));
  const join = values.get('join')?.toLowerCase() ?? 'auto';
  if (join !== 'auto') {
    throw new RvbbitError(
      'RVB_UNSUPPORTED',
      'the annotation join is part of the dialect, but this version does not execute it yet; leave it out',
      { stage: 'bind' },
    );
  }
  const batch = batchOf(values.get('batch')?.toLowerCase());
  const maxCost = values.get('max_cost');
  const model = values.get('model');
  const prompt = values.get('prompt');
  const strategy = values.get('strategy')?.toLowerCase() ?? 'auto';
  return {
    strategy: strategy === 'auto' ? 'batch' : (strategy as Strategy),
    parallel:
      parallels.resumeParallel ??
      Number(values.get('parallel') ?? parallels.defaultParallel ?? SEMANTIC_PARALLEL),
    ...(batch === undefined ? {} : { batch }),
    threshold: Number(values.get('threshold') ?? SEMANTIC_THRESHOLD),
    maxCalls: Number(values.get('max_calls') ?? SEMANTIC_MAX_CALLS),
    maxPairs: Number(values.get('max_pairs') ?? SEMANTIC_MAX_PAIRS),
    onError: onErrorOf(values.get('on_error') ?? (writes ? 'fail' : 'null')),
    isOnErrorDefault: !values.has('on_error'),
    timeoutMs: parseDurationMs(values.get('timeout') ?? '') ?? RUN_TIMEOUT_MS,
    budget: maxCost === undefined ? {} : { costMicroUsd: Math.round(Number(maxCost) * 1e6) },
    cache: cacheOf(values.get('cache')),
    modelOverride: {
      parameters: parametersOf(values),
      ...(model === undefined ? {} : { model }),
      ...(prompt === undefined ? {} : { prompt }),
    },
  };
}

function parametersOf(values: ReadonlyMap<string, string | undefined>): JsonObject {
  const [temperature, topP, effort] = ['temperature', 'top_p', 'reasoning_effort'].map((key) =>
    values.get(key),
  );
  return {
    ...(temperature === undefined ? {} : { temperature: Number(temperature) }),
    ...(topP === undefined ? {} : { top_p: Number(topP) }),
    ...(effort === undefined ? {} : { reasoning_effort: effort }),
  };
}

function onErrorOf(value: string): SemanticSettings['onError'] {
  const lower = value.toLowerCase();
  if (lower === 'null') return { kind: 'null' };
  if (lower === 'fail') return { kind: 'fail' };
  if (lower.startsWith('default:')) return { kind: 'default', value: value.slice(8).trim() };
  throw new RvbbitError(
    'RVB_OPTION_TYPE',
    `on_error takes null, fail or default:… in semantic SQL, not ${value}: a row cannot be skipped there, since NULL drops it from a WHERE`,
    { stage: 'bind' },
  );
}

function cacheOf(value: string | undefined): CacheSetting {
  const lower = value?.toLowerCase();
  return lower === undefined || lower === 'true' ? true : lower === 'false' ? false : value!;
}
