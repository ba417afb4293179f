/** Gives a DuckDB in memory the settings of the session whose queries it runs. */
import { quoteIdentifier, quoteLiteral } from '../../duck/quote.ts';
import type { Session } from '../../duck/session.ts';
import { messageOf, RvbbitError } from '../../errors.ts';
import type { DatabaseProfile } from './messages.ts';
import { schemaNeeds } from './places.ts';

/** The name of an instance's database in memory. */
const FIRST_DATABASE = 'memory';
/** Set apart, by `lockDown` or `applySearchPath`, or of no meaning here. */
const APART: ReadonlySet<string> = new Set([
  'access_mode',
  'allowed_directories',
  'allowed_paths',
  'enable_external_access',
  'lock_configuration',
  'schema',
  'search_path',
  'temp_directory',
]);
/** What bounds a query and what it may reach: it does not run where the session's would bound it more. */
const STRICT: ReadonlySet<string> = new Set([
  'allow_community_extensions',
  'allow_persistent_secrets',
  'allow_unsigned_extensions',
  'autoinstall_known_extensions',
  'autoload_known_extensions',
  'disabled_filesystems',
  'max_memory',
  'max_temp_directory_size',
  'memory_limit',
  'threads',
  'worker_threads',
]);
/** Where `LOAD` looks. */
const EXTENSION_FOLDERS: ReadonlySet<string> = new Set([
  'extension_directories',
  'extension_directory',
]);

/** The settings that differ from those of `session`, by name, as text. */
export async function differingSettings(
  session: Session,
  settings: DatabaseProfile['settings'],
): Promise<readonly (readonly [name: string, value: string])[]> {
  const own = await session.run('SELECT name, value FROM duckdb_settings()');
  const values = new Map((await own.rows('json')).map(({ name, value }) => [name, value]));
  return Object.entries(settings).filter(
    ([name, value]) => values.has(name) && values.get(name) !== value && !APART.has(name),
  );
}

/** Sets them. A setting that cannot be set is passed over unless it is one that bounds the session more. */
export async function applySettings(
  session: Session,
  settings: Awaited<ReturnType<typeof differingSettings>>,
): Promise<void> {
  for (const [name, value] of settings) {
    try {
      await session.run(`SET ${quoteIdentifier(name)} = ${quoteLiteral(value)}`);
    } catch (thrown) {
      // Those that are on or off permit something where they are on.
      if (STRICT.has(name) && value !== 'true') throw cannotSet(name, thrown);
    }
  }
}

/** Loads the session's extensions from where it has them; they bring settings of their own. */
export async function loadExtensions(
  session: Session,
  { extensions, settings }: DatabaseProfile,
): Promise<void> {
  if (extensions.length === 0) return;
  const differing = await differingSettings(session, settings);
  const folders = differing.filter(([name]) => EXTENSION_FOLDERS.has(name));
  await applySettings(session, folders);
  for (const name of extensions) await session.run(`LOAD ${quoteLiteral(name)}`);
}

/** Makes the schemas in which the session looks names up, in databases named like its own. */
export async function makeSearchPath(
  session: Session,
  { searchPath }: DatabaseProfile,
): Promise<void> {
  const { database, entries } = searchPath;
  // A path that names no database is of the session's first one: it is the first one here, too.
  const first = entries[0].database === undefined ? database : FIRST_DATABASE;
  if (first !== FIRST_DATABASE) {
    await session.run(`ALTER DATABASE ${FIRST_DATABASE} SET ALIAS TO ${quoteIdentifier(first)}`);
  }
  const places = entries.flatMap((entry) => [
    // There DuckDB asks for the schema, and then looks in the current one.
    { database: first, schema: entry.schema },
    { database, ...entry },
  ]);
  for (const place of places) {
    for (const { sql } of schemaNeeds(place.database, place.schema)) await session.run(sql);
  }
}

/** Looks names up there. */
export async function applySearchPath(session: Session, profile: DatabaseProfile): Promise<void> {
  const path = profile.settings['search_path'] ?? '';
  if (path !== '') await session.run(`SET search_path = ${quoteLiteral(path)}`);
}

/** Closes what the session has closed; only the private folder stays open. Locks the configuration where the session's is. */
export async function lockDown(session: Session, profile: DatabaseProfile): Promise<void> {
  const { allowedDirectories, allowedPaths, folder, settings } = profile;
  const listOf = (paths: readonly string[]) => `[${paths.map(quoteLiteral).join(', ')}]`;
  const steps: [name: string, value: string][] = [['temp_directory', quoteLiteral(folder)]];
  if (settings['enable_external_access'] === 'false') {
    steps.push(
      ['allowed_directories', listOf([...allowedDirectories, folder])],
      ['allowed_paths', listOf(allowedPaths)],
      ['enable_external_access', 'false'],
    );
  }
  if (settings['lock_configuration'] === 'true') steps.push(['lock_configuration', 'true']);
  for (const [name, value] of steps) {
    await session.run(`SET ${name} = ${value}`).catch((thrown: unknown) => {
      throw cannotSet(name, thrown);
    });
  }
}

function cannotSet(name: string, thrown: unknown): RvbbitError {
  return new RvbbitError(
    'RVB_SQL',
    `DuckDB's own process for SQL cells cannot be given the session's ${name}: ${messageOf(thrown)}`,
    { stage: 'open', cause: thrown },
  );
}
