/** Writes Parquet: DuckDB copies it from a temporary table that holds the statement's result. */
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import type { Engine } from '../../engine.ts';
import type { QueryResult } from '../../result.ts';
import type { ResumeOptions } from '../options.ts';
import type { ScriptStatement } from '../script.ts';
import { placeOutput, replaceFile } from '../sink/file-sink.ts';

/**
 * Writes one statement's result to a file, whole or not at all. A MAP that ended early makes no table, and so no file.
 * Returns the statement's own result, without rows.
 */
export async function writeParquet(
  engine: Engine,
  statement: ScriptStatement,
  params: readonly unknown[] | Record<string, unknown> | undefined,
  output: string,
  options: ResumeOptions & { readonly signal: AbortSignal },
): Promise<QueryResult> {
  const { signal } = options;
  const place = await placeOutput(output);
  const file = place.temporary ?? place.target;
  const table = `rvbbit_output_${randomBytes(4).toString('hex')}`;
  const { sql, firstWord } = statement;
  // CREATE stands after the comments, so that annotations stay before the statement.
  const create = `${sql.slice(0, firstWord)}CREATE TEMP TABLE ${table} AS ${sql.slice(firstWord)}`;
  const result = await engine.query(create, params, {
    ...options,
    writes: output,
    origin: 'cli',
  });
  try {
    if (!(await isThere(engine, table))) return result;
    await engine.query(
      `COPY ${table} TO '${file.replaceAll("'", "''")}' (FORMAT parquet)`,
      undefined,
      {
        signal,
        origin: 'cli',
      },
    );
    if (place.temporary !== undefined) await replaceFile(place.temporary, place.target);
  } catch (thrown) {
    if (place.temporary !== undefined) await rm(place.temporary, { force: true });
    throw thrown;
  } finally {
    await engine.query(`DROP TABLE ${table}`, undefined, { origin: 'cli' }).catch(() => {});
  }
  return result;
}

async function isThere(engine: Engine, table: string): Promise<boolean> {
  const { rows } = await engine.query(
    `SELECT 1 AS found FROM duckdb_tables() WHERE temporary AND table_name = '${table}'`,
    undefined,
    { origin: 'cli' },
  );
  return rows.length > 0;
}
