/** Staging a query: its rows, in order and complete, in a temporary table with an ordinal. */

import type { DuckDBType } from '@duckdb/node-api';
import { RvbbitError } from '../errors.ts';
import { findColumn } from '../util/find-column.ts';
import { type Column, structKeys, typeText } from './columns.ts';
import { identityKeys } from './identity.ts';
import { isInTransaction } from './in-transaction.ts';
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
   * The SQL name of the ordinal, 0-based and dense: `rowid`, or a last column of the table beyond `columns`,
   * such as `"rvb_ordinal"`: where the query has a column called rowid, and in a transaction.
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
  let table = temporary(nextStageName());
  try {
    await refuseUnparsed(session, query, options.signal);
    const firstLimit = distinct === undefined ? limit : undefined;
    const sql = await createStage(session, table, query, firstLimit, options);
    const numbered = await withOrdinal(session, table, options);
    table = numbered.table;
    const stage = { ...numbered, sql, dropped: 0 };
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
  const create = async (rows: string) => {
    const sql = `CREATE TEMP TABLE ${table} AS ${rows}${tail}`;
    await session.run(sql, { ...run, linesBefore: 1 });
    return sql;
  };
  const asWritten = `SELECT * FROM (\n${query}\n)`;
  // A table cannot hold unnamed structs. To try would abort the caller's transaction.
  if (!(await isInTransaction(session))) {
    try {
      return await create(asWritten);
    } catch (error) {
      if (!(error instanceof RvbbitError) || !error.message.includes('unnamed struct')) throw error;
    }
  }
  const columns = await session.describe(query, run);
  return create(columns.some(isUnnamed) ? withFieldNames(query, columns) : asWritten);
}

/** The query with the fields of unnamed structs called as the reader would. */
function withFieldNames(query: string, columns: readonly Column[]): string {
  const inner = columns.map((_, index) => `rvb_${index}`);
  const outer = columns.map(
    (column, index) =>
      `CAST(${inner[index]} AS ${namedTypeText(column.duckType)}) AS ${quoteIdentifier(column.name)}`,
  );
  return `SELECT ${outer.join(', ')} FROM (\n${query}\n) AS rvb_query(${inner.join(', ')})`;
}

function isUnnamed({ duckType, type }: Column): boolean {
  return namedTypeText(duckType) !== type;
}

/** The type of a column once it is staged: the fields of unnamed structs have names. */
export function storableType(column: Column): string {
  return isUnnamed(column) ? namedTypeText(column.duckType) : column.type;
}

/** The type as a table can hold it: with names for the fields of unnamed structs. */
export function namedTypeText(type: DuckDBType): string {
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

/**
 * The table, or a copy of it, with an ordinal: a column called rowid hides DuckDB's own, and rows that a
 * transaction has made are numbered otherwise until it ends.
 */
async function withOrdinal(
  session: Session,
  table: string,
  { signal }: StageOptions,
): Promise<Pick<StagedQuery, 'table' | 'columns' | 'ordinal' | 'rowCount'>> {
  const { columns } = await session.run(`SELECT * FROM ${table} LIMIT 0`, { signal });
  const aliases = columns.map((_, index) => `rvb_${index}`).join(', ');
  const source = `${table} AS s(${aliases})`;
  const counted = await session.run(`SELECT count(*), coalesce(min(s.rowid), 0) FROM ${source}`, {
    signal,
  });
  const [rows, firsts] = await counted.allColumns('json');
  const rowCount = Number(rows?.[0]);
  const isHidden = columns.some(({ name }) => name.toLowerCase() === 'rowid');
  if (!isHidden && Number(firsts?.[0]) === 0) return { table, columns, ordinal: 'rowid', rowCount };
  const aside = temporary(nextStageName());
  const ordinal = quoteIdentifier(freeName('rvb_ordinal', columns));
  const shown = columns.map(({ name }, index) => `s.rvb_${index} AS ${quoteIdentifier(name)}`);
  const number = `s.rowid - (SELECT min(s.rowid) FROM ${source}) AS ${ordinal}`;
  try {
    await session.run(
      `CREATE TEMP TABLE ${aside} AS SELECT ${shown.join(', ')}, ${number} FROM ${source} ORDER BY s.rowid`,
      { signal },
    );
  } catch (error) {
    await dropTables(session, [aside]);
    throw error;
  }
  await dropTables(session, [table]);
  return { table: aside, columns, ordinal, rowCount };
}

/** The name, lengthened until no column has it. */
function freeName(name: string, columns: readonly Column[]): string {
  const isTaken = columns.some((column) => column.name.toLowerCase() === name);
  return isTaken ? freeName(`${name}_`, columns) : name;
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
    await session.run(
      `CREATE TEMP TABLE ${kept} AS SELECT ${names} FROM ${stage.table} AS s SEMI JOIN ${firsts} AS f ON s.${stage.ordinal} = f.first WHERE s.${stage.ordinal} < ${boundary} ORDER BY s.${stage.ordinal}`,
      { signal },
    );
    const numbered = await withOrdinal(session, kept, options);
    await dropTables(session, [firsts, stage.table]);
    return { ...stage, ...numbered, cut, dropped: boundary - rowCount };
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
