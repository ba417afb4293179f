/** Whether texts of a session's tables may be equal to DuckDB without being the same. */
import type { Session } from './session.ts';

/** True where a collation is the default, stands in the statement or in a table's or view's definition. */
export async function mayCollate(session: Session, sql: string): Promise<boolean> {
  if (/collate/i.test(sql)) return true;
  const reader = await session.run(
    "SELECT current_setting('default_collation') <> '' OR EXISTS (FROM duckdb_tables() WHERE sql ILIKE '%collate%') OR EXISTS (FROM duckdb_views() WHERE NOT internal AND sql ILIKE '%collate%')",
  );
  return (await reader.allColumns('json'))[0]?.[0] !== false;
}
