/** Computes the figures of a whole statement from those of its cells. */
import { RATE_WINDOW_MS } from '../../limits.ts';
import type { CallLimits } from '../../model/call-limits.ts';
import type { CellEstimate, Estimate, ExplainReport } from '../../result.ts';
import { sumOf } from './estimate.ts';
import { sumOfCosts } from './estimate-cell.ts';

/** The part of a report that follows from its cells and the pace. */
export type Forecast = Pick<
  ExplainReport,
  'cells' | 'calls' | 'cached' | 'tokensIn' | 'tokensOut' | 'cost' | 'seconds'
>;

/** How fast calls may be made. */
export interface Pace {
  /** The number n of runs at a time. */
  readonly parallel: number;
  /** Returns the limits of a provider. */
  limitsOf(provider: string): CallLimits | undefined;
  /** The statement's own limits, over all providers. */
  readonly statementLimits?: CallLimits | undefined;
}

export function forecastOf(cells: readonly CellEstimate[], pace: Pace): Forecast {
  const sum = (key: 'calls' | 'cached' | 'tokensIn' | 'tokensOut') =>
    sumOf(cells.map((cell) => cell[key]));
  return {
    cells,
    calls: sum('calls'),
    cached: sum('cached'),
    tokensIn: sum('tokensIn'),
    tokensOut: sum('tokensOut'),
    cost: sumOfCosts(cells.filter(({ calls }) => calls.most !== 0).map(({ cost }) => cost)),
    seconds: {
      least: secondsOf(cells, 'least', pace),
      expected: secondsOf(cells, 'expected', pace),
      most: secondsOf(cells, 'most', pace),
    },
  };
}

/** Returns the seconds for all calls: n calls at a time, and no faster than the limits allow. */
function secondsOf(
  cells: readonly CellEstimate[],
  key: keyof Estimate,
  { parallel, limitsOf, statementLimits }: Pace,
): number {
  const providers = new Set(cells.map(({ provider }) => provider));
  const all = trafficOf(cells, key);
  const waits = [...providers].map((provider) =>
    waitMs(
      trafficOf(
        cells.filter((cell) => cell.provider === provider),
        key,
      ),
      limitsOf(provider),
    ),
  );
  const lanes = Math.min(
    parallel,
    Math.max(1, all.calls),
    ...[...providers].map((provider) => limitsOf(provider)?.inFlight ?? Infinity),
  );
  const workMs = all.calls === 0 ? 0 : all.durationMs / lanes;
  return Math.max(workMs, waitMs(all, statementLimits), ...waits) / 1_000;
}

interface Traffic {
  readonly calls: number;
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly durationMs: number;
}

function trafficOf(cells: readonly CellEstimate[], key: keyof Estimate): Traffic {
  const sum = (figure: (cell: CellEstimate) => number) =>
    cells.reduce((total, cell) => total + figure(cell), 0);
  return {
    calls: sum(({ calls }) => calls[key] ?? 0),
    tokensIn: sum(({ tokensIn }) => tokensIn[key] ?? 0),
    tokensOut: sum(({ tokensOut }) => tokensOut[key] ?? tokensOut.expected),
    durationMs: sum(({ calls, meanMs }) => (calls[key] ?? 0) * meanMs),
  };
}

/** Returns the time until the last call may go: the amount of one window goes at once, and as much in each later window. */
function waitMs({ calls, tokensIn, tokensOut }: Traffic, limits: CallLimits = {}): number {
  const { rpm, inputTpm, outputTpm, windowMs = RATE_WINDOW_MS } = limits;
  const windows = (amount: number, aMinute: number | undefined) => {
    if (aMinute === undefined || amount <= 0) return 0;
    const each = Math.max(1, (aMinute * windowMs) / 60_000);
    return Math.ceil(amount / each) - 1;
  };
  const most = Math.max(
    windows(calls, rpm),
    windows(tokensIn, inputTpm),
    windows(tokensOut, outputTpm),
  );
  return most * windowMs;
}
