/** What tests of jobs share. */
import type { EngineSession } from '../../src/engine-session.ts';
import type { Engine, Row } from '../../src/index.ts';

/** The row of a job, as its statements return it. */
export interface JobRow {
  readonly status: string;
  readonly session_id: string;
  readonly table_created: string;
  readonly row_count: number;
  readonly outputs?: Readonly<Record<string, unknown>>;
  readonly tables?: readonly string[];
  readonly files?: readonly string[];
  readonly error?: { readonly code: string; readonly message: string };
}

type Runs = Pick<Engine | EngineSession, 'query'>;

/** Runs a statement about jobs, and returns the row of the job. */
export async function jobOf(engine: Runs, sql: string, signal?: AbortSignal): Promise<JobRow> {
  const { rows } = await engine.query(sql, undefined, signal === undefined ? {} : { signal });
  return JSON.parse(String(rows[0]!['result'])) as JobRow;
}

/** Waits for the end of a job, but not for ever. */
export function awaited(engine: Runs, { session_id: id }: JobRow): Promise<JobRow> {
  return jobOf(engine, `-- @ timeout: 60s\nRVBBIT AWAIT '${id}'`);
}

/** The row of SHOW RVBBIT JOBS for a job. */
export async function shown(engine: Runs, { session_id: id }: JobRow): Promise<Row> {
  const { rows } = await engine.query('SHOW RVBBIT JOBS', undefined, { valueForm: 'json' });
  return rows.find((row) => row['id'] === id)!;
}

/** Waits until something is so. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let left = 600; !(await isSo()); left -= 1) {
    if (left === 0) throw new Error('it never was');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
