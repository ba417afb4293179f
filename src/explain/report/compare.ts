/** Adds the actual figures of EXPLAIN ANALYZE to the predicted ones. */
import type { Estimate, ExplainActual, ExplainReport, Summary } from '../../result.ts';

/** Returns the report with the actual figures. `summary`: the statement's account. `resultRows`: the number of result rows. */
export function withActual(
  report: ExplainReport,
  summary: Summary,
  outcome: {
    readonly resultRows: number;
    readonly runs: number;
    readonly seconds: number;
    readonly isComplete: boolean;
  },
): ExplainReport {
  const { calls, tokens, costMicroUsd, rows } = summary;
  const { resultRows, runs, seconds, isComplete } = outcome;
  const actual: ExplainActual = {
    status: isComplete ? 'complete' : 'incomplete',
    resultRows,
    runs,
    failed: rows.failed,
    calls: calls.sent,
    cached: calls.cacheHits,
    tokensIn: tokens.in,
    tokensOut: tokens.out,
    costMicroUsd,
    seconds,
    errorPercent: {
      resultRows: errorOf(report.resultRows, resultRows),
      runs: errorOf(report.runs, runs),
      calls: errorOf(report.calls, calls.sent),
      cached: errorOf(report.cached, calls.cacheHits),
      tokensIn: errorOf(report.tokensIn, tokens.in),
      tokensOut: errorOf(report.tokensOut, tokens.out),
      cost: errorBetween(report.cost.expected, costMicroUsd),
      seconds: errorOf(report.seconds, seconds),
    },
  };
  return { ...report, actual };
}

function errorOf({ expected }: Estimate, actual: number): number | null {
  return errorBetween(expected, actual);
}

function errorBetween(predicted: number | null, actual: number | null): number | null {
  if (predicted === null || actual === null) return null;
  if (actual === 0) return predicted === 0 ? 0 : null;
  return ((predicted - actual) / actual) * 100;
}
