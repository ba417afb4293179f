/** Finds out if DuckDB may treat different texts in a session's tables as equal. */
import type { Session } from './session.ts';

/** True if a default collation is set, or if the statement or the definition of a table or view names a collation. */
export async function mayCollate(session: Session, sql: string): Promise<boolean> {
  if (/collate/i.test(sql)) return true;
  const reader = await session.run(
    "SELECT current_setting('default_collation') <> '' OR EXISTS (FROM duckdb_tables() WHERE sql ILIKE '%collate%') OR EXISTS (FROM duckdb_views() WHERE NOT internal AND sql ILIKE '%collate%')",
    { own: true },
  );
  return (await reader.allColumns('json'))[0]?.[0] !== false;
}
