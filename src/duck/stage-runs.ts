/** Groups staged rows into runs: rows with equal inputs share one run, and every row knows its run. */

import type { Json } from '../util/json.ts';
import { identityKeys } from './identity.ts';
import { quoteIdentifier } from './quote.ts';
import type { Session } from './session.ts';
import {
  columnOf,
  countOf,
  dropTables,
  nextStageName,
  type StagedQuery,
  temporary,
} from './stage.ts';

/** The runs of a stage, numbered from 0 in the order of their first rows. */
export interface StagedRuns {
  readonly runCount: number;
  /** A table `(row BIGINT, run BIGINT)` in row order; undefined if every row is its own run. */
  readonly mapTable: string | undefined;
  /** Reads the named columns of `count` runs from `firstRun` on, in the json form, by column. */
  readRuns(
    firstRun: number,
    count: number,
    columns: readonly string[],
    signal?: AbortSignal,
  ): Promise<{ readonly columns: readonly (readonly Json[])[] }>;
  /** Drops the tables of the runs, but not the stage. Never throws. */
  drop(): Promise<void>;
}

/** The options that decide which rows share a run. */
export interface StageRunsOptions {
  /** The columns that the cascade reads. Without any, all rows share one run. */
  readonly keyColumns: readonly string[];
  readonly dedupe: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Groups a stage's rows into runs inside DuckDB, which can spill the grouping to disk. */
export async function stageRuns(
  session: Session,
  stage: StagedQuery,
  options: StageRunsOptions,
): Promise<StagedRuns> {
  const { signal } = options;
  const keys = options.keyColumns.flatMap((name) => identityKeys(columnOf(stage, name), 's'));
  if (!options.dedupe || stage.rowCount < 2) return rowRuns(session, stage);
  const by = keys.length === 0 ? ['1'] : keys;
  if (keys.length > 0 && (await allDiffer(session, stage, keys, signal))) {
    return rowRuns(session, stage);
  }
  const runCount =
    keys.length === 0
      ? 1
      : await countOf(
          session,
          `SELECT count(*) FROM (SELECT 1 FROM ${stage.table} AS s GROUP BY ${by.join(', ')})`,
          { signal },
        );
  if (runCount === stage.rowCount) return rowRuns(session, stage);

  const [ranked, firsts, map] = [nextStageName(), nextStageName(), nextStageName()].map(
    temporary,
  ) as [string, string, string];
  const { ordinal } = stage;
  const first =
    keys.length === 0 ? '0::BIGINT' : `min(s.${ordinal}) OVER (PARTITION BY ${by.join(', ')})`;
  try {
    await session.run(
      `CREATE TEMP TABLE ${ranked} AS SELECT s.${ordinal} AS "row", ${first} AS first FROM ${stage.table} AS s`,
      { signal },
    );
    await session.run(
      `CREATE TEMP TABLE ${firsts} AS SELECT row_number() OVER (ORDER BY "row") - 1 AS run, "row" FROM ${ranked} WHERE "row" = first ORDER BY "row"`,
      { signal },
    );
    await session.run(
      `CREATE TEMP TABLE ${map} AS SELECT r."row", f.run FROM ${ranked} AS r JOIN ${firsts} AS f ON r.first = f."row" ORDER BY r."row"`,
      { signal },
    );
    await dropTables(session, [ranked]);
  } catch (error) {
    await dropTables(session, [ranked, firsts, map]);
    throw error;
  }
  return {
    runCount,
    mapTable: map,
    readRuns: (firstRun, count, columns, readSignal) =>
      readFirsts(session, stage, firsts, { firstRun, count, columns, signal: readSignal }),
    drop: () => dropTables(session, [firsts, map]),
  };
}

/**
 * True if all rows have different hashes, which proves that all inputs differ. Most tables need no more than this
 * check, which takes a third of the memory of grouping by the values.
 */
async function allDiffer(
  session: Session,
  stage: StagedQuery,
  keys: readonly string[],
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const hashes = await countOf(
    session,
    `SELECT count(DISTINCT hash(${keys.join(', ')})) FROM ${stage.table} AS s`,
    { signal },
  );
  return hashes === stage.rowCount;
}

function rowRuns(session: Session, stage: StagedQuery): StagedRuns {
  const { ordinal } = stage;
  return {
    runCount: stage.rowCount,
    mapTable: undefined,
    readRuns: async (firstRun, count, columns, signal) =>
      readColumns(
        session,
        `SELECT ${selectList(stage, columns)} FROM ${stage.table} AS s WHERE s.${ordinal} >= ${firstRun} AND s.${ordinal} < ${firstRun + count} ORDER BY s.${ordinal}`,
        columns.length,
        signal,
      ),
    drop: async () => undefined,
  };
}

interface RunRange {
  readonly firstRun: number;
  readonly count: number;
  readonly columns: readonly string[];
  readonly signal: AbortSignal | undefined;
}

async function readFirsts(
  session: Session,
  stage: StagedQuery,
  firsts: string,
  range: RunRange,
): Promise<{ readonly columns: readonly (readonly Json[])[] }> {
  const { firstRun, count, columns, signal } = range;
  const runs = `f.run >= ${firstRun} AND f.run < ${firstRun + count}`;
  // Constant bounds on the ordinal let DuckDB skip the row groups outside them.
  const bounds = await session.run(
    `SELECT coalesce(min(f."row"), 0), coalesce(max(f."row"), -1) FROM ${firsts} AS f WHERE ${runs}`,
    { signal },
  );
  const [low = [], high = []] = await bounds.allColumns('json');
  const { ordinal } = stage;
  return readColumns(
    session,
    `SELECT ${selectList(stage, columns)} FROM ${stage.table} AS s JOIN ${firsts} AS f ON s.${ordinal} = f."row" WHERE ${runs} AND s.${ordinal} >= ${Number(low[0])} AND s.${ordinal} <= ${Number(high[0])} ORDER BY f.run`,
    columns.length,
    signal,
  );
}

function selectList(stage: StagedQuery, columns: readonly string[]): string {
  if (columns.length === 0) return '1';
  return columns.map((name) => `s.${quoteIdentifier(columnOf(stage, name).name)}`).join(', ');
}

async function readColumns(
  session: Session,
  sql: string,
  columnCount: number,
  signal: AbortSignal | undefined,
): Promise<{ readonly columns: readonly (readonly Json[])[] }> {
  const reader = await session.run(sql, { signal });
  const columns = (await reader.allColumns('json')) as Json[][];
  return { columns: columns.slice(0, columnCount) };
}
