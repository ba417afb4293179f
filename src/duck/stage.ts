/** Staging a query: its rows, in order and complete, in a temporary table with an ordinal. */

import type { DuckDBType } from '@duckdb/node-api';
import { RvbbitError } from '../errors.ts';
import { findColumn } from '../find-column.ts';
import { type Column, structKeys, typeText } from './columns.ts';
import { identityKeys } from './identity.ts';
import { nodeApi } from './node-api.ts';
import { quoteIdentifier } from './quote.ts';
import type { Parameters, RunOptions, Session } from './session.ts';
import { toSqlError } from './sql-error.ts';
import { nativeThreads } from './thread-budget.ts';

/** A query's rows in a temporary table. */
export interface StagedQuery {
  /** The quoted name, e.g. `temp.main."rvb_stage_7"`. It holds exactly `rowCount` rows. */
  readonly table: string;
  /**
   * The SQL name of the ordinal, 0-based and dense: `rowid`, or, where the query has a column of that
   * name, a column `"rvb_ordinal"`, which is then a last column of the table beyond `columns`.
   */
  readonly ordinal: string;
  readonly columns: readonly Column[];
  readonly rowCount: number;
  /** True where the limit left rows out. */
  readonly cut: boolean;
  /** Rows that `distinct` dropped before the first row that was cut off, or in all. */
  readonly dropped: number;
  /** The statement that was sent to DuckDB. */
  readonly sql: string;
}

/** How a query is staged. */
export interface StageOptions {
  readonly limit?: number | undefined;
  readonly parameters?: Parameters | undefined;
  /** Keeps the first row of each value: of the whole row, or of the named columns. */
  readonly distinct?: 'row' | readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

const ORDINAL_COLUMN = 'rvb_ordinal';

let staged = 0;

/** A name that no other stage of this process has. */
export function nextStageName(): string {
  staged += 1;
  return `rvb_stage_${staged}`;
}

/**
 * Runs a query once and keeps its rows, in their order, in a temporary table. Under
 * `preserve_insertion_order = false` that is the order of an ORDER BY; other queries then have none.
 * Fails with `RVB_SQL`, leaving nothing behind.
 */
export async function stageQuery(
  session: Session,
  query: string,
  options: StageOptions = {},
): Promise<StagedQuery> {
  const { limit, distinct } = options;
  const name = nextStageName();
  const table = temporary(name);
  try {
    await refuseUnparsed(session, query, options.signal);
    const firstLimit = distinct === undefined ? limit : undefined;
    const sql = await createStage(session, table, query, firstLimit, options);
    const plain = await withOrdinal(session, table, options);
    const stage = { ...plain, table, sql, dropped: 0 };
    return await (distinct === undefined
      ? cutStage(session, stage, limit, options)
      : keepFirsts(session, stage, options));
  } catch (error) {
    await dropTables(session, [table]);
    throw error;
  }
}

/** Drops a stage; never throws. */
export async function dropStage(
  session: Session,
  stage: Pick<StagedQuery, 'table'>,
): Promise<void> {
  await dropTables(session, [stage.table]);
}

/** Drops tables that may not exist; never throws. */
export async function dropTables(session: Session, tables: readonly string[]): Promise<void> {
  for (const table of tables) {
    await session.run(`DROP TABLE IF EXISTS ${table}`).catch(() => undefined);
  }
}

/** The qualified name of a temporary table. */
export function temporary(name: string): string {
  return `temp.main.${quoteIdentifier(name)}`;
}

/** The first value of a query's first row, as a number. */
export async function countOf(
  session: Session,
  sql: string,
  options: RunOptions = {},
): Promise<number> {
  const reader = await session.run(sql, { parameters: options.parameters, signal: options.signal });
  const [first] = await reader.allColumns('json');
  return Number(first?.[0] ?? 0);
}

/** A text that parses only within our parentheses, because it closes them, is no query. */
async function refuseUnparsed(
  session: Session,
  query: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  await session.inTurn(async (connection) => {
    try {
      await nativeThreads.use(() => connection.extractStatements(query), signal);
    } catch (error) {
      throw toSqlError(error, query);
    }
  }, signal);
}

async function createStage(
  session: Session,
  table: string,
  query: string,
  limit: number | undefined,
  options: StageOptions,
): Promise<string> {
  const run = { parameters: options.parameters, signal: options.signal };
  const tail = limit === undefined ? '' : ` LIMIT ${limit + 1}`;
  const sql = `CREATE TEMP TABLE ${table} AS SELECT * FROM (\n${query}\n)${tail}`;
  try {
    await session.run(sql, { ...run, linesBefore: 1 });
    return sql;
  } catch (error) {
    if (!(error instanceof RvbbitError) || !error.message.includes('unnamed struct')) throw error;
  }
  // A table cannot hold unnamed structs: name their fields as the reader would.
  const columns = await session.describe(query, run);
  const inner = columns.map((_, index) => `rvb_${index}`);
  const outer = columns.map(
    (column, index) =>
      `CAST(${inner[index]} AS ${namedTypeText(column.duckType)}) AS ${quoteIdentifier(column.name)}`,
  );
  const named = `CREATE TEMP TABLE ${table} AS SELECT ${outer.join(', ')} FROM (\n${query}\n) AS rvb_query(${inner.join(', ')})${tail}`;
  await session.run(named, { ...run, linesBefore: 1 });
  return named;
}

function namedTypeText(type: DuckDBType): string {
  const { DuckDBTypeId: Id } = nodeApi();
  switch (type.typeId) {
    case Id.LIST:
      return `${namedTypeText(type.valueType)}[]`;
    case Id.ARRAY:
      return `${namedTypeText(type.valueType)}[${type.length}]`;
    case Id.MAP:
      return `MAP(${namedTypeText(type.keyType)}, ${namedTypeText(type.valueType)})`;
    case Id.STRUCT: {
      const keys = structKeys(type);
      const fields = type.entryTypes.map(
        (entryType, index) => `${quoteIdentifier(keys[index]!)} ${namedTypeText(entryType)}`,
      );
      return `STRUCT(${fields.join(', ')})`;
    }
    default:
      return typeText(type);
  }
}

/** The stage's columns, and an ordinal that a column called rowid does not hide. */
async function withOrdinal(
  session: Session,
  table: string,
  options: StageOptions,
): Promise<{
  readonly columns: readonly Column[];
  readonly ordinal: string;
  readonly rowCount: number;
}> {
  const { signal } = options;
  const { columns } = await session.run(`SELECT * FROM ${table} LIMIT 0`, { signal });
  const rowCount = await countOf(session, `SELECT count(*) FROM ${table}`, { signal });
  const hiding = columns.find((column) => column.name.toLowerCase() === 'rowid');
  if (hiding === undefined) return { columns, ordinal: 'rowid', rowCount };
  const aside = temporary(nextStageName());
  const rowid = quoteIdentifier(hiding.name);
  const ordinal = quoteIdentifier(ORDINAL_COLUMN);
  if (columns.some((column) => column.name.toLowerCase() === ORDINAL_COLUMN)) {
    throw new RvbbitError(
      'RVB_SQL',
      `a query with a column rowid cannot also have one called ${ORDINAL_COLUMN}: rename one`,
      {
        stage: 'read',
        sqlState: '42701',
      },
    );
  }
  const list = columns.map((column) =>
    column === hiding ? '"rvb_rowid"' : quoteIdentifier(column.name),
  );
  try {
    await session.run(`ALTER TABLE ${table} RENAME COLUMN ${rowid} TO "rvb_rowid"`, { signal });
    const shown = list.map((name) => (name === '"rvb_rowid"' ? `${name} AS ${rowid}` : name));
    await session.run(
      `CREATE TEMP TABLE ${aside} AS SELECT ${shown.join(', ')}, rowid AS ${ordinal} FROM ${table} ORDER BY rowid`,
      { signal },
    );
    await session.run(`DROP TABLE ${table}`, { signal });
    await session.run(`ALTER TABLE ${aside} RENAME TO ${table.slice('temp.main.'.length)}`, {
      signal,
    });
  } catch (error) {
    await dropTables(session, [aside]);
    throw error;
  }
  return { columns, ordinal, rowCount };
}

/** Takes out the one row that was read beyond the limit to learn whether there is one. */
async function cutStage(
  session: Session,
  stage: Omit<StagedQuery, 'cut'>,
  limit: number | undefined,
  options: StageOptions,
): Promise<StagedQuery> {
  if (limit === undefined || stage.rowCount <= limit) return { ...stage, cut: false };
  await session.run(`DELETE FROM ${stage.table} WHERE ${stage.ordinal} >= ${limit}`, {
    signal: options.signal,
  });
  return { ...stage, rowCount: limit, cut: true };
}

/** Keeps the first row of each value, then the first `limit` of those. */
async function keepFirsts(
  session: Session,
  stage: Omit<StagedQuery, 'cut'>,
  options: StageOptions,
): Promise<StagedQuery> {
  const { limit, signal } = options;
  const keys = distinctColumns(stage, options.distinct ?? 'row').flatMap((column) =>
    identityKeys(column, 's'),
  );
  const firsts = temporary(nextStageName());
  const kept = temporary(nextStageName());
  const tail = limit === undefined ? '' : ` LIMIT ${limit + 1}`;
  try {
    await session.run(
      `CREATE TEMP TABLE ${firsts} AS SELECT min(s.${stage.ordinal}) AS first FROM ${stage.table} AS s GROUP BY ${keys.join(', ')} ORDER BY first${tail}`,
      { signal },
    );
    const count = await countOf(session, `SELECT count(*) FROM ${firsts}`, { signal });
    const cut = limit !== undefined && count > limit;
    const rowCount = cut ? limit : count;
    const boundary = cut
      ? await countOf(session, `SELECT max(first) FROM ${firsts}`, { signal })
      : stage.rowCount;
    const names = stage.columns.map((column) => `s.${quoteIdentifier(column.name)}`).join(', ');
    const ordinal =
      stage.ordinal === 'rowid'
        ? ''
        : `, row_number() OVER (ORDER BY s.${stage.ordinal}) - 1 AS ${stage.ordinal}`;
    await session.run(
      `CREATE TEMP TABLE ${kept} AS SELECT ${names}${ordinal} FROM ${stage.table} AS s SEMI JOIN ${firsts} AS f ON s.${stage.ordinal} = f.first WHERE s.${stage.ordinal} < ${boundary} ORDER BY s.${stage.ordinal}`,
      { signal },
    );
    await dropTables(session, [firsts, stage.table]);
    return { ...stage, table: kept, rowCount, cut, dropped: boundary - rowCount };
  } catch (error) {
    await dropTables(session, [firsts, kept]);
    throw error;
  }
}

function distinctColumns(
  stage: Pick<StagedQuery, 'columns'>,
  distinct: 'row' | readonly string[],
): readonly Column[] {
  if (distinct === 'row') return stage.columns;
  return distinct.map((name) => columnOf(stage, name));
}

/** A stage's column by name. Fails with `RVB_SQL`. */
export function columnOf({ columns }: Pick<StagedQuery, 'columns'>, name: string): Column {
  const found = findColumn(columns, name);
  if (found !== undefined) return found;
  const names = columns.map((column) => column.name).join(', ');
  throw new RvbbitError('RVB_SQL', `the query has no column ${name}; it has ${names}`, {
    stage: 'bind',
    sqlState: '42703',
  });
}
