/** The settings of Postgres that DuckDB has too, set in a session. */
import { quoteLiteral } from '../../duck/quote.ts';
import type { Engine } from '../../engine.ts';
import type { EngineSession } from '../../engine-session.ts';

/** The time zone of a session without SET. */
export const FIRST_ZONE = 'UTC';

/** Gives every new session of an engine the first time zone. */
export async function setFirstZone(engine: Engine): Promise<void> {
  await using session = await engine.session();
  await session.runOwn(`SET GLOBAL TimeZone = ${quoteLiteral(FIRST_ZONE)}`);
}

export async function setTimeZone(session: EngineSession, zone: string): Promise<void> {
  await session.runOwn(`SET TimeZone = ${quoteLiteral(zone)}`);
}

/**
 * Sets the schemas in which names are looked up. `public`, which clients of Postgres name, is DuckDB's `main`. Schemas that the database
 * does not have are left out, as Postgres passes over them.
 */
export async function setSearchPath(session: EngineSession, path: string): Promise<void> {
  const names = path
    .split(',')
    .map((name) => name.trim().replace(/^"(.*)"$/, '$1'))
    .map((name) => (name === 'public' ? 'main' : name));
  const { rows } = await session.query<{ schema_name: string }>(
    'SELECT schema_name FROM information_schema.schemata WHERE catalog_name = current_database()',
  );
  const there = new Set(rows.map(({ schema_name }) => schema_name));
  const kept = names.filter((name) => there.has(name) && name !== 'pg_catalog');
  await session.runOwn(
    `SET search_path = ${quoteLiteral((kept.length === 0 ? ['main'] : kept).join(','))}`,
  );
}
