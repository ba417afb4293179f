/** Figures of a report in words. */
import type { BatchRows } from '../../plan/plan.ts';
import type { CostEstimate, Estimate, ExplainGuards, ExplainReport } from '../../result.ts';
import { dollars } from '../../util/dollars.ts';
import { rangeText } from '../estimate/estimate.ts';

/** `$0.0012 to $0.0034, expected $0.0020`, or `uncosted`. */
export function costText({ low, expected, high, status }: CostEstimate): string {
  if (low === null || expected === null) return 'uncosted';
  const range = rangeText({ least: low, expected, most: high }, dollars);
  return status === 'partly' ? `${range}; some calls uncosted` : range;
}

export function secondsText(seconds: Estimate): string {
  return seconds.most === 0 ? seconds1(0) : `about ${rangeText(seconds, seconds1)}`;
}

/** `0.25 s`, `12 s`. */
export function seconds1(seconds: number): string {
  return `${seconds >= 10 || seconds === 0 ? Math.round(seconds) : seconds.toFixed(2)} s`;
}

/** Returns the row limit in force and what set it. */
export function limitText({
  limit,
  cut,
  statement,
}: Pick<ExplainReport, 'limit' | 'cut' | 'statement'>): string {
  if (statement === 'semantic') return 'left by plain conditions';
  if (limit.source === 'query') return "the query's own limit";
  const who = limit.source === 'default' ? 'by default' : 'by the option';
  return `limit ${limit.rows} ${who}${cut ? ', which cuts rows off' : ''}`;
}

/** Returns the bounds of the calls in words. */
export function guardsText(guards: ExplainGuards): string {
  const { maxCalls, maxPairs, maxTokens, maxCostMicroUsd, rpm, inputTpm, outputTpm, inFlight } =
    guards;
  const parts = [
    maxCalls === undefined ? '' : `max_calls ${maxCalls}`,
    maxPairs === undefined ? '' : `max_pairs ${maxPairs}`,
    maxTokens === undefined ? '' : `max_total_tokens ${maxTokens}`,
    maxCostMicroUsd === undefined ? '' : `max_cost ${dollars(maxCostMicroUsd)}`,
    rpm === undefined ? '' : `${rpm} calls a minute`,
    inputTpm === undefined ? '' : `${inputTpm} tokens in a minute`,
    outputTpm === undefined ? '' : `${outputTpm} tokens out a minute`,
    inFlight === undefined ? '' : `${inFlight} calls in flight`,
  ].filter((part) => part !== '');
  return parts.length === 0 ? 'none' : parts.join(', ');
}

/** Says how many questions share a call; nothing without BATCH. */
export function batchText(batch: BatchRows | undefined): readonly string[] {
  if (batch === undefined) return [];
  return [batch === 'auto' ? 'questions share calls' : `up to ${batch} questions share a call`];
}
