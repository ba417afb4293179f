/** The view of jobs. Unlike the other views it holds its rows itself: they are facts of small files. */
import { quoteLiteral } from '../duck/quote.ts';
import type { JobFacts } from '../jobs/job-folder.ts';
import type { View } from './views.ts';

const FIELDS = {
  id: 'VARCHAR',
  state: 'VARCHAR',
  done: 'BIGINT',
  rows: 'BIGINT',
  calls: 'BIGINT',
  cost: 'BIGINT',
  left_s: 'DOUBLE',
  created: 'BIGINT',
  started: 'BIGINT',
  ended: 'BIGINT',
  database: 'VARCHAR',
  table: 'VARCHAR',
  code: 'VARCHAR',
  error: 'VARCHAR',
  origin: 'VARCHAR',
  sql: 'VARCHAR',
} as const;

const COLUMNS: View['columns'] = [
  ['id', 'j.id', 'name of the job: of the session that submitted it'],
  ['state', 'j.state', 'queued, running, success, incomplete, failed, cancelled'],
  ['rows_done', 'j.done', 'rows that have settled; of a RUN its one run'],
  ['rows', 'j."rows"', 'rows that were staged'],
  ['calls', 'j.calls', 'model calls that went out'],
  ['cost', 'j.cost / 1e6', 'US dollars of calls with a known price; NULL where none has one'],
  ['seconds_left', 'j.left_s', 'at the pace so far; NULL where it does not run, or none is known'],
  ['submitted', 'make_timestamp(j.created * 1000)', 'when it was submitted, UTC'],
  ['started', 'make_timestamp(j.started * 1000)', 'when it first ran, UTC'],
  ['ended', 'make_timestamp(j.ended * 1000)', 'when it ended, UTC'],
  ['error_code', 'j.code', 'code of the error that ended it'],
  ['error', 'j.error', 'message of the error that ended it'],
  ['table_created', 'j."table"', 'the table that it makes; of a RUN the one for its rows'],
  ['database', 'j."database"', 'the database that it runs on'],
  ['origin', 'j.origin', 'who submitted it'],
  ['sql', 'j.sql', 'its statement'],
];

/** Returns the view of jobs, the newest first. */
export function jobsView(jobs: readonly JobFacts[]): View {
  // DuckDB takes no lone surrogates.
  const rows = JSON.stringify(jobs.toReversed().map(rowOf), (_, value: unknown) =>
    typeof value === 'string' ? value.toWellFormed() : value,
  );
  const shape = quoteLiteral(JSON.stringify([FIELDS]));
  return {
    name: 'jobs',
    comment: 'a job: a statement with ASYNC',
    columns: COLUMNS,
    from: `(SELECT unnest(from_json(${quoteLiteral(rows)}, ${shape})) AS j)`,
  };
}

/** Returns a query for the rows of the view of jobs. */
export function jobsSql(jobs: readonly JobFacts[]): string {
  const { columns, from } = jobsView(jobs);
  return `SELECT ${columns.map(([name, sql]) => `${sql} AS "${name}"`).join(', ')} FROM ${from}`;
}

function rowOf({
  job,
  state,
  progress,
  end,
}: JobFacts): Record<keyof typeof FIELDS, string | number | null> {
  return {
    id: job.id,
    state,
    done: progress?.done ?? 0,
    rows: job.rows,
    calls: progress?.calls ?? 0,
    cost: progress?.costMicroUsd ?? null,
    left_s: state === 'running' && progress !== undefined ? secondsLeft(job.rows, progress) : null,
    created: job.createdMs,
    started: progress?.startedMs ?? null,
    ended: end?.endedMs ?? null,
    database: job.database,
    table: job.table,
    code: end?.error?.code ?? null,
    error: end?.error?.message ?? null,
    origin: job.origin,
    sql: job.sql,
  };
}

function secondsLeft(
  rows: number,
  { done, begunMs }: NonNullable<JobFacts['progress']>,
): number | null {
  if (done === 0) return null;
  return Math.round(((Date.now() - begunMs) * Math.max(0, rows - done)) / done) / 1_000;
}
