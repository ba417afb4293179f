/** The view of jobs. Unlike the other views it holds its rows itself: they are facts of small files. */
import { quoteLiteral } from '../duck/quote.ts';
import type { JobFacts } from '../jobs/job-folder.ts';
import type { Row } from '../result.ts';
import type { View } from './views.ts';

type JobColumn = readonly [
  name: string,
  type: 'VARCHAR' | 'BIGINT' | 'DOUBLE' | 'TIMESTAMP',
  comment: string,
  read: (facts: JobFacts) => string | number | null | undefined,
];

const COLUMNS: readonly JobColumn[] = [
  ['id', 'VARCHAR', 'name of the job: of the session that submitted it', ({ job }) => job.id],
  [
    'state',
    'VARCHAR',
    'queued, running, success, incomplete, failed, cancelled',
    ({ state }) => state,
  ],
  ['rows_done', 'BIGINT', 'rows that have settled', ({ progress }) => progress?.done ?? 0],
  ['rows', 'BIGINT', 'rows that were staged', ({ job }) => job.rows],
  ['calls', 'BIGINT', 'model calls that went out', ({ progress }) => progress?.calls ?? 0],
  [
    'cost',
    'DOUBLE',
    'US dollars of calls with a known price; NULL where none has one',
    ({ progress }) => dollars(progress?.costMicroUsd),
  ],
  ['seconds_left', 'DOUBLE', 'at the pace so far; NULL where none is known', secondsLeft],
  ['submitted', 'TIMESTAMP', 'when it was submitted, UTC', ({ job }) => time(job.createdMs)],
  ['started', 'TIMESTAMP', 'when it first ran, UTC', ({ progress }) => time(progress?.startedMs)],
  ['ended', 'TIMESTAMP', 'when it ended, UTC', ({ end }) => time(end?.endedMs)],
  ['error_code', 'VARCHAR', 'code of the error that ended it', ({ end }) => end?.error?.code],
  ['error', 'VARCHAR', 'message of the error that ended it', ({ end }) => end?.error?.message],
  [
    'table_created',
    'VARCHAR',
    'the table that it makes; of a RUN the one for its rows',
    ({ job }) => job.table,
  ],
  ['database', 'VARCHAR', 'the database that it runs on', ({ job }) => job.database],
  ['origin', 'VARCHAR', 'who submitted it', ({ job }) => job.origin],
  ['sql', 'VARCHAR', 'its statement', ({ job }) => job.sql],
];

/** The names of the columns, with their types. */
export const JOB_COLUMNS: Readonly<Record<string, string>> = Object.fromEntries(
  COLUMNS.map(([name, type]) => [name, type]),
);

/** Returns jobs as rows with JSON values, the newest first. */
export function jobRows(jobs: readonly JobFacts[]): Row[] {
  return jobs.toReversed().map((facts) =>
    Object.fromEntries(
      COLUMNS.map(([name, , , read]) => {
        const value = read(facts) ?? null;
        // DuckDB takes no lone surrogates.
        return [name, typeof value === 'string' ? value.toWellFormed() : value];
      }),
    ),
  );
}

/** Returns the view of jobs, the newest first. */
export function jobsView(jobs: readonly JobFacts[]): View {
  const rows = quoteLiteral(JSON.stringify(jobRows(jobs)));
  const shape = quoteLiteral(JSON.stringify([JOB_COLUMNS]));
  return {
    name: 'jobs',
    comment: 'a job: a statement with ASYNC',
    columns: COLUMNS.map(([name, , comment]) => [name, `j."${name}"`, comment]),
    from: `(SELECT unnest(json_transform(${rows}, ${shape})) AS j)`,
  };
}

function dollars(microUsd: number | null | undefined): number | null {
  return microUsd == null ? null : microUsd / 1e6;
}

function time(ms: number | undefined): string | undefined {
  // A file of the folder may say anything.
  return Number.isInteger(ms) ? new Date(ms!).toJSON()?.replace('Z', '') : undefined;
}

function secondsLeft({ job, state, progress }: JobFacts): number | null {
  if (state !== 'running' || progress === undefined || progress.done === 0) return null;
  const { done, begunMs } = progress;
  return Math.round(((Date.now() - begunMs) * (job.rows - done)) / done) / 1_000;
}
