/** Combines the reports of MAPs and RUNs in brackets with the report of the statement around them. */
import type { Estimate, ExplainNode, ExplainReport } from '../result.ts';
import { sumOf } from './estimate/estimate.ts';
import { sumOfCosts } from './estimate/estimate-cell.ts';

const UNKNOWN_ROWS: Estimate = { least: 0, expected: 0, most: null };
const INSIDE_NOTE =
  'what the calls in brackets give is not known before they run: what reads it is counted as if it were NULL, and nothing bounds it';

/** A call in brackets. */
export interface ExplainedCall {
  readonly report: ExplainReport;
  /** True if the call reads the result of another call. */
  readonly isOuter: boolean;
}

/** Combines the reports. `calls` are in the order in which they run; `outer` is undefined for plain SQL around them. */
export function withCalls(
  calls: readonly ExplainedCall[],
  outer: ExplainReport | undefined,
  sql: string,
): ExplainReport {
  const parts = [
    ...calls.map(({ report, isOuter }, index) => {
      if (isOuter) return unbounded(report);
      const before = calls.slice(0, index).flatMap((call) => call.report.cascades);
      return report.cascades.some((file) => before.includes(file)) ? sharing(report) : report;
    }),
    ...(outer === undefined ? [] : [unbounded(outer)]),
  ];
  const isOpen = outer !== undefined || calls.some(({ isOuter }) => isOuter);
  const sum = (key: 'calls' | 'cached' | 'tokensIn' | 'tokensOut' | 'seconds' | 'runs') =>
    sumOf(parts.map((part) => part[key]));
  const tree: ExplainNode = {
    name: outer?.tree.name ?? 'SQL',
    facts: outer?.tree.facts ?? ['reads what the calls below give'],
    children: [...(outer?.tree.children ?? []), ...calls.map(({ report }) => report.tree)],
  };
  return {
    statement: outer?.statement ?? 'sql',
    cascades: [...new Set(parts.flatMap(({ cascades }) => cascades))],
    rows: null,
    deduped: parts.reduce((total, { deduped }) => total + deduped, 0),
    resultRows: UNKNOWN_ROWS,
    distinctInputs: sumOf(parts.map(({ distinctInputs }) => distinctInputs)),
    runs: sum('runs'),
    calls: sum('calls'),
    cached: sum('cached'),
    tokensIn: sum('tokensIn'),
    tokensOut: sum('tokensOut'),
    cost: sumOfCosts(parts.filter(({ cells }) => cells.length > 0).map(({ cost }) => cost)),
    seconds: sum('seconds'),
    parallel: Math.max(...parts.map(({ parallel }) => parallel)),
    limit: { rows: null, source: 'query' },
    cut: parts.some(({ cut }) => cut),
    guards: outer?.guards ?? {},
    refusal: parts.find(({ refusal }) => refusal !== null)?.refusal ?? null,
    strategy: outer?.strategy ?? 'batch',
    reason: 'calls in brackets run first, in the order of the text, each by itself',
    inputColumns: [...new Set(parts.flatMap(({ inputColumns }) => inputColumns))],
    cells: parts.flatMap(({ cells }) => cells),
    notes: [...new Set([...(isOpen ? [INSIDE_NOTE] : []), ...parts.flatMap(({ notes }) => notes)])],
    sql: [sql],
    tree,
  };
}

/** Returns the report of a call that may find answers which an earlier call has bought. */
function sharing(report: ExplainReport): ExplainReport {
  const { calls, cached, cost } = report;
  const fromNone = (estimate: Estimate): Estimate => ({ ...estimate, least: 0 });
  const most = calls.most === null || cached.most === null ? null : calls.most + cached.most;
  return {
    ...report,
    calls: fromNone(calls),
    cached: { ...cached, most },
    tokensIn: fromNone(report.tokensIn),
    tokensOut: fromNone(report.tokensOut),
    seconds: fromNone(report.seconds),
    cost: cost.status === 'uncosted' ? cost : { ...cost, low: 0 },
  };
}

/** Returns the report without bounds, because it may depend on the result of a call. */
function unbounded(report: ExplainReport): ExplainReport {
  const open = ({ expected }: Estimate): Estimate => ({ least: 0, expected, most: null });
  const { cost } = report;
  return {
    ...report,
    distinctInputs: open(report.distinctInputs),
    runs: open(report.runs),
    calls: open(report.calls),
    cached: open(report.cached),
    tokensIn: open(report.tokensIn),
    tokensOut: open(report.tokensOut),
    seconds: open(report.seconds),
    cost: cost.status === 'uncosted' ? cost : { ...cost, low: 0, high: null },
  };
}
