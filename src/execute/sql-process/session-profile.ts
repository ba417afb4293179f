/** What a session's DuckDB is set to, for another that is to answer as it does and may do no more. */
import type { Session } from '../../duck/session.ts';
import { messageOf } from '../../errors.ts';
import type { DatabaseProfile } from './messages.ts';
import { searchPathOf } from './search-path.ts';

/** Reads the session's settings. */
export async function readProfile(
  session: Session,
  folder: string,
  signal: AbortSignal,
): Promise<DatabaseProfile> {
  const place = await session.run(
    `SELECT current_database() AS database, current_setting('search_path') AS search_path,
current_setting('allowed_directories') AS directories, current_setting('allowed_paths') AS paths`,
    { signal },
  );
  const settings = await session.run(
    'SELECT name, value FROM duckdb_settings() WHERE value IS NOT NULL',
    { signal },
  );
  const [row] = await place.rows('json');
  return {
    searchPath: searchPathOf(String(row?.['database']), String(row?.['search_path'])),
    allowedDirectories: (row?.['directories'] ?? []) as string[],
    allowedPaths: (row?.['paths'] ?? []) as string[],
    settings: Object.fromEntries(
      (await settings.rows('json')).map(({ name, value }) => [String(name), String(value)]),
    ),
    extensions: await loadedExtensions(session, signal),
    folder,
  };
}

/** Where the session may not look into the folder of extensions, DuckDB does not say which it has loaded either. */
async function loadedExtensions(session: Session, signal: AbortSignal): Promise<string[]> {
  try {
    const loaded = await session.run(
      `SELECT extension_name AS name FROM duckdb_extensions()
WHERE loaded AND install_mode IS DISTINCT FROM 'STATICALLY_LINKED'`,
      { signal },
    );
    return (await loaded.rows('json')).map(({ name }) => String(name));
  } catch (thrown) {
    if (signal.aborted || !/^Permission Error/.test(messageOf(thrown))) throw thrown;
    return [];
  }
}
