/** What is collected of one statement under one strategy: a line of `observations.jsonl`, a row of the data set. */
import type { Strategy } from '../result.ts';

export interface Observation {
  /** Hash of the statement's place in the workload and of its text. */
  readonly query: string;
  readonly shape: string;
  readonly sql: string;
  readonly strategy: Strategy;
  /**
   * `ok`; `differs`: other rows than under the first strategy that gave some; `refused`: the engine does not run this
   * statement so, and said why; `incomplete`: some rows have no answer; `failed`.
   */
  readonly outcome: 'ok' | 'differs' | 'refused' | 'incomplete' | 'failed';
  /** Code of the error, or why the statement is incomplete. */
  readonly reason: string | null;
  readonly message: string | null;
  /** n: runs at a time. */
  readonly parallel: number | null;
  /** Rows read, and different inputs among them. */
  readonly rows: number | null;
  readonly distinct: number | null;
  readonly result_rows: number | null;
  /** Result rows by rows read, where EXPLAIN knows these. */
  readonly selectivity: number | null;
  readonly calls: number | null;
  readonly retried: number | null;
  readonly tokens_in: number | null;
  readonly tokens_out: number | null;
  /** Null where no call has a price. */
  readonly cost_micro_usd: number | null;
  readonly duration_ms: number | null;
  /** Mean time of a call that was answered. */
  readonly mean_call_ms: number | null;
  /** Calls that EXPLAIN foresaw. */
  readonly expected_calls: number | null;
  /** Microseconds since the epoch, UTC. */
  readonly at: number;
  readonly engine: string;
}

/** The types of the data set's columns, in DuckDB's words. */
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

/** `collection_summary.json`. */
export interface CollectionSummary {
  /** Statements that ask something, and what became of them under each strategy. */
  readonly total_queries: number;
  readonly observations: number;
  readonly succeeded: Readonly<Record<string, number>>;
  /** Per strategy: how often it was refused or failed, by reason. */
  readonly failures: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Plain SQL of the workload, which was run once, and what failed of it. */
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
