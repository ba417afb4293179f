/** Which table or view of the session a name means. */
import type { Session } from '../../duck/session.ts';
import type { TableReference } from './names-in-query.ts';
import { isSameName, placesOf, type SearchPath } from './search-path.ts';

export interface FoundTable {
  readonly database: string;
  readonly schema: string;
  readonly name: string;
  /** Seen by one connection alone. */
  readonly isTemporary: boolean;
  /** DuckDB's own view of its catalog. */
  readonly isInternal: boolean;
}

const SQL = `SELECT database_name AS database, schema_name AS schema, table_name AS name, temporary, internal
FROM duckdb_tables() WHERE lower(table_name) = lower($1)
UNION ALL
SELECT database_name, schema_name, view_name, temporary, internal
FROM duckdb_views() WHERE lower(view_name) = lower($1)`;

/** Finds it as DuckDB does; undefined where the session has none, e.g. for a file's name. */
export async function findTable(
  session: Session,
  reference: TableReference,
  path: SearchPath,
  signal: AbortSignal,
): Promise<FoundTable | undefined> {
  const { catalog, schema, name } = reference;
  const reader = await session.runBound(SQL, [name], { signal });
  const candidates = (await reader.rows('json'))
    .map((row) => ({
      database: String(row['database']),
      schema: String(row['schema']),
      name: String(row['name']),
      isTemporary: row['temporary'] === true,
      isInternal: row['internal'] === true,
    }))
    .filter((candidate) => isSameName(candidate.name, name));
  const places = catalog === '' ? placesOf(schema, path) : [{ database: catalog, schema }];
  for (const place of places) {
    const found = candidates.find(
      (one) => isSameName(one.database, place.database) && isSameName(one.schema, place.schema),
    );
    if (found !== undefined) return found;
  }
  if (catalog !== '') return undefined;
  return candidates.find(
    (one) =>
      one.isInternal &&
      (schema === '' ? one.schema !== 'information_schema' : isSameName(one.schema, schema)),
  );
}
