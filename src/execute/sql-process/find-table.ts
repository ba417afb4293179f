/** Which table or view of the session a name means. */
import type { Session } from '../../duck/session.ts';
import type { TableReference } from './names-in-query.ts';

export interface FoundTable {
  readonly database: string;
  readonly schema: string;
  readonly name: string;
  /** Seen by one connection alone. */
  readonly isTemporary: boolean;
  /** DuckDB's own view of its catalog. */
  readonly isInternal: boolean;
}

interface Candidate extends FoundTable {
  readonly isHere: boolean;
  readonly isDatabaseHere: boolean;
}

const SQL = `SELECT database_name, schema_name, table_name AS name, temporary, internal,
  database_name = current_database() AS in_database, schema_name = current_schema() AS in_schema
FROM duckdb_tables() WHERE lower(table_name) = lower($1)
UNION ALL
SELECT database_name, schema_name, view_name, temporary, internal,
  database_name = current_database(), schema_name = current_schema()
FROM duckdb_views() WHERE lower(view_name) = lower($1)`;

/** Finds it as DuckDB does; undefined where the session has none, e.g. for a CTE or a file's name. */
export async function findTable(
  session: Session,
  reference: TableReference,
  signal: AbortSignal,
): Promise<FoundTable | undefined> {
  const reader = await session.runBound(SQL, [reference.name], { signal });
  const candidates = (await reader.rows('json')).map((row): Candidate => {
    const isDatabaseHere = row['in_database'] === true;
    return {
      database: String(row['database_name']),
      schema: String(row['schema_name']),
      name: String(row['name']),
      isTemporary: row['temporary'] === true,
      isInternal: row['internal'] === true,
      isDatabaseHere,
      isHere: isDatabaseHere && row['in_schema'] === true,
    };
  });
  const { catalog, schema } = reference;
  const inSchema = ({ schema: found }: Candidate, wanted: string) => isSame(found, wanted);
  const orders: readonly ((candidate: Candidate) => boolean)[] =
    catalog !== ''
      ? [(one) => isSame(one.database, catalog) && inSchema(one, schema)]
      : schema !== ''
        ? [
            (one) => one.isTemporary && inSchema(one, schema),
            (one) => one.isDatabaseHere && inSchema(one, schema),
            // One name before the table's may be a database's.
            (one) => isSame(one.database, schema) && inSchema(one, 'main'),
            (one) => one.isInternal && inSchema(one, schema),
          ]
        : [
            (one) => one.isTemporary,
            (one) => one.isHere,
            // A search path of several schemas: DuckDB does not say their databases.
            (one) => one.isDatabaseHere && !one.isInternal,
            (one) => one.isInternal && one.schema !== 'information_schema',
          ];
  for (const fits of orders) {
    const found = candidates.find(fits);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isSame(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
