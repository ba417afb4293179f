/** Stages a query: stores all its rows, in order, in a temporary table with an ordinal. */

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
   * The SQL name of the ordinal, which is 0-based and dense: `rowid`. If the query has a column called rowid, and in a
   * transaction, it is an extra last column of the table, such as `"rvb_ordinal"`, which is not in `columns`.
   */
  readonly ordinal: string;
  readonly columns: readonly Column[];
  readonly rowCount: number;
  /** True if the limit left rows out. */
  readonly cut: boolean;
  /** The number of rows that `distinct` dropped. If the limit left rows out, only rows before those count. */
  readonly dropped: number;
  /** The statement that was sent to DuckDB. */
  readonly sql: string;
}

/** The options for staging a query. */
export interface StageOptions {
  readonly limit?: number | undefined;
  readonly parameters?: Parameters | undefined;
  /** Keeps the first of the rows that are equal, as a whole or in the named columns. */
  readonly distinct?: 'row' | readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

let staged = 0;

/** Returns a name that no other stage of this process has. */
export function nextStageName(): string {
  staged += 1;
  return `rvb_stage_${staged}`;
}

/**
 * Runs a query once and stores its rows, in their order, in a temporary table. Under
 * `preserve_insertion_order = false`, only a query with ORDER BY has an order. Fails with `RVB_SQL`, and then leaves
 * nothing behind.
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

/** Drops a stage. Never throws. */
export async function dropStage(
  session: Session,
  stage: Pick<StagedQuery, 'table'>,
): Promise<void> {
  await dropTables(session, [stage.table]);
}

/** Drops tables that may not exist. Never throws. */
export async function dropTables(session: Session, tables: readonly string[]): Promise<void> {
  for (const table of tables) {
    await session.run(`DROP TABLE IF EXISTS ${table}`, { own: true }).catch(() => undefined);
  }
}

/** Returns the qualified name of a temporary table. */
export function temporary(name: string): string {
  return `temp.main.${quoteIdentifier(name)}`;
}

/** Returns the first value of a query's first row, as a number. */
export async function countOf(
  session: Session,
  sql: string,
  options: RunOptions = {},
): Promise<number> {
  const reader = await session.run(sql, { parameters: options.parameters, signal: options.signal });
  const [first] = await reader.allColumns('json');
  return Number(first?.[0] ?? 0);
}

/** Refuses a text that parses only within the engine's parentheses, because it closes them. */
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
    await session.run(sql, { ...run, linesBefore: 1, changes: false });
    return sql;
  };
  const asWritten = `SELECT * FROM (\n${query}\n)`;
  // A table cannot hold unnamed structs. A failed attempt would abort the caller's transaction.
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

/** Returns the query with names for the fields of unnamed structs: the names that a result's reader uses. */
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

/** Returns the type of a column once it is staged: the fields of unnamed structs then have names. */
export function storableType(column: Column): string {
  return isUnnamed(column) ? namedTypeText(column.duckType) : column.type;
}

/** Returns the type as a table can hold it: with names for the fields of unnamed structs. */
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
 * Returns the table with its ordinal, or a copy of the table with an ordinal column. A copy is needed because a column
 * called rowid hides DuckDB's own rowid, and because rows have other rowids until the transaction that made them ends.
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
      { signal, changes: false },
    );
  } catch (error) {
    await dropTables(session, [aside]);
    throw error;
  }
  await dropTables(session, [table]);
  return { table: aside, columns, ordinal, rowCount };
}

/** Returns the name, with `_` appended until no column has that name. */
function freeName(name: string, columns: readonly Column[]): string {
  const isTaken = columns.some((column) => column.name.toLowerCase() === name);
  return isTaken ? freeName(`${name}_`, columns) : name;
}

/** Deletes the row beyond the limit. It was read only to learn if the limit leaves rows out. */
async function cutStage(
  session: Session,
  stage: Omit<StagedQuery, 'cut'>,
  limit: number | undefined,
  options: StageOptions,
): Promise<StagedQuery> {
  if (limit === undefined || stage.rowCount <= limit) return { ...stage, cut: false };
  await session.run(`DELETE FROM ${stage.table} WHERE ${stage.ordinal} >= ${limit}`, {
    signal: options.signal,
    own: true,
  });
  return { ...stage, rowCount: limit, cut: true };
}

/** Keeps the first of each group of equal rows, and of these the first `limit`. */
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
      { signal, changes: false },
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
      { signal, changes: false },
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

/** Returns a stage's column by name. Fails with `RVB_SQL`. */
export function columnOf({ columns }: Pick<StagedQuery, 'columns'>, name: string): Column {
  const found = findColumn(columns, name);
  if (found !== undefined) return found;
  const names = columns.map((column) => column.name).join(', ');
  throw new RvbbitError('RVB_SQL', `the query has no column ${name}; it has ${names}`, {
    stage: 'bind',
    sqlState: '42703',
  });
}
