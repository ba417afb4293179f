/** The observation of one statement under one strategy: a line of `observations.jsonl` and a row of the data set. */
import type { Strategy } from '../result.ts';

export interface Observation {
  /** A hash of the statement's place in the workload and its text. */
  readonly query: string;
  readonly shape: string;
  readonly sql: string;
  readonly strategy: Strategy;
  /**
   * `ok`; `differs`: the rows differ from those of the first strategy that completed; `refused`: the engine does not
   * run this statement under this strategy; `incomplete`: some rows have no answer; `failed`.
   */
  readonly outcome: 'ok' | 'differs' | 'refused' | 'incomplete' | 'failed';
  /** The code of the error, or the reason why the statement is incomplete. */
  readonly reason: string | null;
  readonly message: string | null;
  /** The number of runs at a time. */
  readonly parallel: number | null;
  /** The number of rows read. `distinct` is the number of different inputs that EXPLAIN expected among them. */
  readonly rows: number | null;
  readonly distinct: number | null;
  readonly result_rows: number | null;
  /** `result_rows` divided by `rows`; null if one of them is unknown or `rows` is 0. */
  readonly selectivity: number | null;
  readonly calls: number | null;
  readonly retried: number | null;
  readonly tokens_in: number | null;
  readonly tokens_out: number | null;
  /** The cost of the calls in micro-USD; null if no call has a known price. */
  readonly cost_micro_usd: number | null;
  readonly duration_ms: number | null;
  /** The mean duration of the answered calls. */
  readonly mean_call_ms: number | null;
  /** The number of calls that EXPLAIN expected. */
  readonly expected_calls: number | null;
  /** Microseconds since the epoch, UTC. */
  readonly at: number;
  readonly engine: string;
}

/** The DuckDB types of the data set's columns. */
export const OBSERVATION_COLUMNS: { readonly [K in keyof Observation]: string } = {
  query: 'VARCHAR',
  shape: 'VARCHAR',
  sql: 'VARCHAR',
  strategy: 'VARCHAR',
  outcome: 'VARCHAR',
  reason: 'VARCHAR',
  message: 'VARCHAR',
  parallel: 'INTEGER',
  rows: 'BIGINT',
  distinct: 'BIGINT',
  result_rows: 'BIGINT',
  selectivity: 'DOUBLE',
  calls: 'BIGINT',
  retried: 'BIGINT',
  tokens_in: 'BIGINT',
  tokens_out: 'BIGINT',
  cost_micro_usd: 'BIGINT',
  duration_ms: 'DOUBLE',
  mean_call_ms: 'DOUBLE',
  expected_calls: 'DOUBLE',
  at: 'BIGINT',
  engine: 'VARCHAR',
};

/** The content of `collection_summary.json`. */
export interface CollectionSummary {
  /** The number of observed statements, without plain SQL. `succeeded` counts the `ok` ones by strategy. */
  readonly total_queries: number;
  readonly observations: number;
  readonly succeeded: Readonly<Record<string, number>>;
  /** For each strategy: the number of observations that were not `ok`, by outcome and reason. */
  readonly failures: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** The number of plain SQL statements, which ran once. `plain_failures` are the messages of those that failed. */
  readonly plain_statements: number;
  readonly plain_failures: readonly string[];
}

export function summaryOf(
  observations: readonly Observation[],
  plain: { readonly count: number; readonly failures: readonly string[] },
): CollectionSummary {
  const succeeded: Record<string, number> = {};
  const failures: Record<string, Record<string, number>> = {};
  for (const { strategy, outcome, reason } of observations) {
    if (outcome === 'ok') {
      succeeded[strategy] = (succeeded[strategy] ?? 0) + 1;
      continue;
    }
    const ofStrategy = failures[strategy] ?? {};
    failures[strategy] = ofStrategy;
    const why = reason === null ? outcome : `${outcome}: ${reason}`;
    ofStrategy[why] = (ofStrategy[why] ?? 0) + 1;
  }
  return {
    total_queries: new Set(observations.map(({ query }) => query)).size,
    observations: observations.length,
    succeeded,
    failures,
    plain_statements: plain.count,
    plain_failures: plain.failures,
  };
}
