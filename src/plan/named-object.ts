/** Looks up in the catalog whether a table or view is in the way of a CREATE TABLE. */
import type { Session } from '../duck/session.ts';
import type { Row } from '../result.ts';

/** DuckDB's names ignore the case of ASCII letters only. */
const folded = (sql: string) =>
  `translate(${sql}, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz')`;

const CURRENT = 'database_name = current_database() AND schema_name = current_schema()';
const TEMPORARY = "database_name = 'temp' AND schema_name = 'main'";
/** In a name of two parts, the first is a database or a schema. DuckDB refuses a name that is both. */
const OF_TWO = `(${folded('database_name')} = ${folded('$2')} AND schema_name =
  CASE WHEN database_name = current_database() THEN current_schema() ELSE 'main' END)
OR (database_name = current_database() AND ${folded('schema_name')} = ${folded('$2')})`;
const OF_THREE = `${folded('database_name')} = ${folded('$3')} AND ${folded('schema_name')} = ${folded('$2')}`;

/** Finds the table or view that already has the name in the place where `CREATE [TEMP] TABLE` would put the table. */
export async function findNamedObject(
  session: Session,
  parts: readonly string[],
  temporary: boolean,
  signal: AbortSignal,
): Promise<'table' | 'view' | undefined> {
  return (await findObject(session, parts, temporary, signal))?.['kind'] as
    | 'table'
    | 'view'
    | undefined;
}

/** Returns the comment of the table that has the name in the place where `CREATE TABLE` would put the table. */
export async function tableComment(
  session: Session,
  parts: readonly string[],
  signal: AbortSignal,
): Promise<unknown> {
  return (await findObject(session, parts, false, signal))?.['comment'];
}

async function findObject(
  session: Session,
  parts: readonly string[],
  temporary: boolean,
  signal: AbortSignal,
): Promise<Row | undefined> {
  const place = temporary ? TEMPORARY : ([CURRENT, OF_TWO][parts.length - 1] ?? OF_THREE);
  const values = temporary ? parts.slice(-1) : parts.toReversed();
  const reader = await session.runBound(
    `SELECT kind, comment FROM (
  SELECT database_name, schema_name, table_name AS name, 'table' AS kind, comment FROM duckdb_tables()
  UNION ALL SELECT database_name, schema_name, view_name, 'view', comment FROM duckdb_views())
WHERE ${folded('name')} = ${folded('$1')} AND (${place})`,
    values,
    { signal },
  );
  return (await reader.rows('json'))[0];
}
