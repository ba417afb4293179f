/** Estimates the calls of a cell: their number, tokens, cost and time. */

import type { Experience } from '../../journal/experience/experience.ts';
import { CALL_OUTPUT_TOKENS } from '../../limits.ts';
import type { Usage } from '../../model/chat.ts';
import type { CallCost } from '../../model/prices.ts';
import type { CellEstimate, CostEstimate, Estimate } from '../../result.ts';
import { ITEM_TOKENS } from '../../run/item-batch.ts';
import { EXPECTED_CALL_MS, EXPECTED_CELL_SHARE } from '../explain-limits.ts';
import { type CellTally, finishShared } from './call-tally.ts';

/** The sources of the figures. */
export interface EstimateSources {
  readonly experience: Experience;
  /** Returns the cost of a call in micro-USD; undefined if the price is not known. */
  costOf(provider: string, model: string, usage: Usage): CallCost | undefined;
  /** The number of runs per foreseen run: more than 1 if the foreseen runs were a sample. */
  readonly scale: number;
}

/**
 * Returns the cell's figures. Of the calls on which an earlier answer decides, it expects the same share as in
 * earlier runs.
 */
export function estimateCell(tally: CellTally, sources: EstimateSources): CellEstimate {
  const { experience, scale } = sources;
  const { cascade, cell, provider, model, sure, open, rare, outputCap, isUnbounded } = tally;
  const share = experience.shareOfRuns(cascade, cell) ?? EXPECTED_CELL_SHARE;
  const range = (least: number, expected: number, most: number): Estimate => ({
    least,
    expected: expected * scale,
    most: isUnbounded ? null : most * scale,
  });
  const questions = range(
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
  const aloneIn = all === 0 ? 0 : (sure.tokensIn + open.tokensIn + rare.tokensIn) / all;
  const shared = tally.shared === undefined ? undefined : finishShared(tally.shared);
  const isShared = shared !== undefined && shared.questions > 0;
  const eachIn = isShared ? shared.tokensIn / shared.questions : aloneIn;
  // At the worst, each question is asked by itself in the end.
  const ratio = isShared ? shared.calls / shared.questions : 1;
  const calls = isShared
    ? {
        least: Math.round(questions.least * ratio),
        expected: Math.round(questions.expected * ratio),
        most: questions.most,
      }
    : questions;
  const known = experience.callsAt({ cascade, cell, provider, model });
  const answerOut = Math.min(known?.tokensOut.mean ?? CALL_OUTPUT_TOKENS, outputCap ?? Infinity);
  const meanOut = answerOut + (isShared ? ITEM_TOKENS / 2 : 0);
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
  // An answer may be as short as its model likes. How long it may be, only a cap says.
  const capOut = outputCap === undefined || !isShared ? outputCap : outputCap + ITEM_TOKENS;
  const mostOut = questions.most === 0 ? 0 : capOut;
  const cost = costEstimate(
    costOf(questions.least, 0),
    costOf(questions.expected, meanOut),
    questions.most === null ? null : highest(questions.most, mostOut, costOf),
  );
  return {
    ...{ cascade, cell, provider, model, calls, cached },
    tokensIn: scaled(questions, {
      least: eachIn,
      expected: eachIn,
      most: Math.max(eachIn, aloneIn),
    }),
    tokensOut: scaled(questions, { least: 0, expected: meanOut, most: mostOut ?? null }),
    ...(cachedShare === 0 ? {} : { cachedShare }),
    cost,
    ...(isAssumed ? { isCostAssumed: true } : {}),
    meanMs: known?.durationMs.mean ?? EXPECTED_CALL_MS,
    basis: known?.source ?? 'default',
    basisCalls: known?.calls ?? 0,
  };
}

/** Multiplies the calls by the figure of a single call. */
function scaled(calls: Estimate, each: Estimate): Estimate {
  return {
    least: Math.round(calls.least * each.least),
    expected: Math.round(calls.expected * each.expected),
    most: calls.most === null || each.most === null ? null : Math.round(calls.most * each.most),
  };
}

/** Returns the cost of the longest answers; null if nothing bounds them, unless answers cost nothing. */
function highest(
  calls: number,
  mostOut: number | undefined,
  costOf: (count: number, outputTokens: number) => number | undefined,
): number | null | undefined {
  if (mostOut !== undefined) return costOf(calls, mostOut);
  const cost = costOf(calls, CALL_OUTPUT_TOKENS);
  return cost === undefined || cost === costOf(calls, 0) ? cost : null;
}

function costEstimate(
  low: number | undefined,
  expected: number | undefined,
  /** Null if there is no upper bound. */
  high: number | null | undefined,
): CostEstimate {
  if (low === undefined || expected === undefined || high === undefined) return UNCOSTED;
  return { low, expected, high, status: 'priced' };
}

const UNCOSTED: CostEstimate = { low: null, expected: null, high: null, status: 'uncosted' };

/** Returns the sum of costs. Costs without a price are left out, and `status` says so. */
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
