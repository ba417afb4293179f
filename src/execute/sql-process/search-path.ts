/** Where a session looks for a table whose name leaves its database or schema out. */

/** A schema of the path; without `database` it is the current one's. */
export interface PathEntry {
  readonly database?: string;
  readonly schema: string;
}

export interface SearchPath {
  /** The current database. */
  readonly database: string;
  /** In the order of search; the first is the current schema. */
  readonly entries: readonly [PathEntry, ...PathEntry[]];
}

interface Place {
  readonly database: string;
  readonly schema: string;
}

/** From the current database and the text of the setting `search_path`; the schema `main` comes last. */
export function searchPathOf(database: string, text: string): SearchPath {
  const last: PathEntry = { schema: 'main' };
  const [first, ...others] = text === '' ? [] : parsePath(text);
  return { database, entries: first === undefined ? [last] : [first, ...others, last] };
}

/** The schemas of the path with their databases. */
function placesOnPath({ database, entries }: SearchPath): Place[] {
  return entries.map((entry) => ({ database, ...entry }));
}

/** Where DuckDB looks for `schema.name` and, with an empty `schema`, for `name`: in this order. */
export function placesOf(schema: string, path: SearchPath): Place[] {
  const temporary = { database: 'temp', schema: 'main' };
  if (schema === '') return [temporary, ...placesOnPath(path)];
  const named = placesOnPath(path).filter((place) => isSameName(place.schema, schema));
  // One name before the table's may be a database's.
  const ofDatabase = path.entries.filter(({ database = '' }) => isSameName(database, schema));
  return [
    ...(isSameName(schema, 'main') ? [temporary] : []),
    ...(named.length > 0 ? named : [{ database: path.database, schema }]),
    ...(ofDatabase.length > 0 ? ofDatabase : [{ schema: 'main' }]).map((entry) => ({
      database: schema,
      schema: entry.schema,
    })),
  ];
}

export function isSameName(a: string, b: string): boolean {
  return foldName(a) === foldName(b);
}

/** Names are the same to DuckDB whatever the case of their ASCII letters. */
export function foldName(name: string): string {
  return name.replace(/[A-Z]+/g, (upper) => upper.toLowerCase());
}

/** Entries with a comma between them, each `schema` or `database.schema`, quoted where they need it. */
function parsePath(text: string): PathEntry[] {
  const entries: PathEntry[] = [];
  let parts: string[] = [];
  for (const [, quoted, bare, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^".,]*))([.,]|$)/g)) {
    parts.push(quoted?.replaceAll('""', '"') ?? bare!);
    if (end === '.') continue;
    const [schema = '', database] = parts.reverse();
    entries.push(database === undefined ? { schema } : { database, schema });
    if (end === '') break;
    parts = [];
  }
  return entries;
}
