/** What the calls of a cell take: their number, tokens, price and time. */

import type { Experience } from '../../journal/experience/experience.ts';
import { CALL_OUTPUT_TOKENS } from '../../limits.ts';
import type { Usage } from '../../model/chat.ts';
import type { CallCost } from '../../model/prices.ts';
import type { CellEstimate, CostEstimate, Estimate } from '../../result.ts';
import { EXPECTED_CALL_MS, EXPECTED_CELL_SHARE } from '../explain-limits.ts';
import type { CellTally } from './call-tally.ts';

/** What the figures are made of. */
export interface EstimateSources {
  readonly experience: Experience;
  /** Micro-USD of a call; undefined where the price is not known. */
  costOf(provider: string, model: string, usage: Usage): CallCost | undefined;
  /** Runs for each run that was foreseen: more than 1 where those were a sample. */
  readonly scale: number;
}

/** The cell's figures; of those that an earlier answer decides on, as many as in earlier runs. */
export function estimateCell(tally: CellTally, sources: EstimateSources): CellEstimate {
  const { experience, scale } = sources;
  const { cascade, cell, provider, model, sure, open, rare, outputCap } = tally;
  const share = experience.shareOfRuns(cascade, cell) ?? EXPECTED_CELL_SHARE;
  const range = (least: number, expected: number, most: number): Estimate => ({
    least,
    expected: expected * scale,
    most: most * scale,
  });
  const calls = range(
    sure.calls - sure.unknown,
    sure.calls + open.calls * share,
    sure.calls + open.calls + rare.calls,
  );
  const cached = range(
    sure.cached,
    sure.cached + open.cached * share,
    sure.cached + sure.unknown + open.cached + open.unknown + rare.cached,
  );
  const all = sure.calls + open.calls + rare.calls;
  const eachIn = all === 0 ? 0 : (sure.tokensIn + open.tokensIn + rare.tokensIn) / all;
  const known = experience.callsAt({ cascade, cell, provider, model });
  const meanOut = Math.min(known?.tokensOut.mean ?? CALL_OUTPUT_TOKENS, outputCap ?? Infinity);
  const mostOut = Math.max(meanOut, outputCap ?? known?.tokensOut.p90 ?? CALL_OUTPUT_TOKENS);
  const cachedShare = known?.cachedShare.mean ?? 0;
  let isAssumed = false;
  const costOf = (count: number, outputTokens: number): number | undefined => {
    const usage: Usage = {
      inputTokens: eachIn,
      outputTokens,
      cachedTokens: Math.floor(eachIn * cachedShare),
      cacheWriteTokens: Math.floor(eachIn * (known?.cacheWriteShare.mean ?? 0)),
    };
    const each = sources.costOf(provider, model, usage);
    if (each?.isAssumed === true) isAssumed = true;
    return each === undefined ? undefined : Math.round(each.costMicroUsd * count);
  };
  const cost = costEstimate(
    costOf(calls.least, meanOut),
    costOf(calls.expected, meanOut),
    costOf(calls.most!, mostOut),
  );
  return {
    ...{ cascade, cell, provider, model, calls, cached },
    tokensIn: scaled(calls, eachIn, eachIn),
    tokensOut: scaled(calls, meanOut, mostOut),
    ...(cachedShare === 0 ? {} : { cachedShare }),
    cost,
    ...(isAssumed ? { isCostAssumed: true } : {}),
    meanMs: known?.durationMs.mean ?? EXPECTED_CALL_MS,
    basis: known?.source ?? 'default',
    basisCalls: known?.calls ?? 0,
  };
}

function scaled({ least, expected, most }: Estimate, mean: number, high: number): Estimate {
  return {
    least: Math.round(least * mean),
    expected: Math.round(expected * mean),
    most: most === null ? null : Math.round(most * high),
  };
}

function costEstimate(
  low: number | undefined,
  expected: number | undefined,
  high: number | undefined,
): CostEstimate {
  if (low === undefined || expected === undefined || high === undefined) return UNCOSTED;
  return { low, expected, high, status: 'priced' };
}

const UNCOSTED: CostEstimate = { low: null, expected: null, high: null, status: 'uncosted' };

/** The cost of several; what has no price is left out of the figures, and said so. */
export function sumOfCosts(costs: readonly CostEstimate[]): CostEstimate {
  const priced = costs.filter(({ status }) => status !== 'uncosted');
  if (priced.length === 0 && costs.length > 0) return UNCOSTED;
  const isPartly = priced.length < costs.length || costs.some(({ status }) => status === 'partly');
  const sum = (key: 'low' | 'expected' | 'high') =>
    priced.some((cost) => cost[key] === null)
      ? null
      : priced.reduce((total, cost) => total + cost[key]!, 0);
  return {
    low: sum('low'),
    expected: sum('expected'),
    high: sum('high'),
    status: isPartly ? 'partly' : 'priced',
  };
}
