/** Decides by name and content which files can be a database or a script, before any file is made. */
import { closeSync, openSync, readSync, type Stats, statSync } from 'node:fs';
import { CliError } from './exit-codes.ts';

/** Files that DuckDB opens like a database: their rows are its view `file`. */
const DATA = /\.(?:csv|tsv|json|jsonl|ndjson|parquet)(?:\.(?:gz|zst))?$/i;
/** Files that hold statements or a cascade, and what to write to use one. */
const PROGRAMS: readonly (readonly [suffix: RegExp, use: (path: string) => string])[] = [
  [/\.sql$/i, (path) => `-f ${path}`],
  [/\.ya?ml$/i, (path) => `rvbbit run ${path}`],
];
/** Other files that are no database, and what to write to use one. */
const OTHERS: typeof PROGRAMS = [
  [DATA, (path) => `-c "FROM '${path}'"`],
  [/\.xlsx$/i, (path) => `-c "FROM read_xlsx('${path}')"`],
  [/\.sqlite3?$/i, (path) => `-c "FROM sqlite_scan('${path}', 'table')"`],
  [/\.(?:txt|md|html?|log)$/i, (path) => `-c "FROM read_text('${path}')"`],
];
/** Files that hold no SQL text, and what to write to use one. */
const NO_SCRIPTS: typeof PROGRAMS = [
  [/\.(?:duckdb|ddb|db)$/i, (path) => `rvbbit ${path}`],
  ...PROGRAMS.slice(1),
  ...OTHERS.slice(0, 3),
];
const BEGINS_SQL = /^\s*(?:select|from|with|rvbbit|create|insert|explain|describe|show|values)\s/i;
/** `:memory:`, and addresses of databases that are no files: `md:shop`. */
const ADDRESS = /^:memory:|^[a-z]\w+:/i;

/** True for a word that may name a new database: an address, or a path with a suffix or a slash. */
export function isDatabaseName(word: string): boolean {
  return ADDRESS.test(word) || /[/\\]|\.\w+$/.test(word);
}

/**
 * Throws a `CliError` with what to write instead if a word is no database for certain: it is no path, or it names a
 * folder or a file of another kind. Everything else is for DuckDB to open.
 */
export function checkDatabase(word: string): void {
  if (word === '' || ADDRESS.test(word)) return;
  const use = BEGINS_SQL.test(word) ? "-c 'SQL'" : useOf(word, PROGRAMS);
  if (use !== undefined) {
    throw new CliError('usage', `'${word}' stands where the database goes`, `did you mean ${use}?`);
  }
  const found = factsOf(word);
  if (found === undefined) checkNew(word);
  else checkFile(word, found);
}

function useOf(path: string, kinds: typeof PROGRAMS): string | undefined {
  return kinds.find(([suffix]) => suffix.test(path))?.[1](path);
}

function checkNew(path: string): void {
  const use = useOf(path, OTHERS);
  if (use !== undefined) {
    const hint = `such a file is read by ${use}; a new database has another suffix, such as .duckdb`;
    throw new CliError('open', `there is no file ${path}`, hint);
  }
  if (isDatabaseName(path)) return;
  const hint = `for a new database of that name write ./${path} or ${path}.duckdb`;
  throw new CliError('usage', `there is no database '${path}'`, hint);
}

function checkFile(path: string, found: Stats): void {
  if (found.isDirectory()) {
    const folder = path.replace(/\/+$/, '');
    const hint = `name a file in it, such as ${folder}/shop.duckdb, or read its files: -c "FROM '${folder}/*.csv'"`;
    throw new CliError('open', `cannot open the database ${path}: it is a folder`, hint);
  }
  if (!found.isFile() || DATA.test(path)) return;
  const head = headOf(path);
  // DuckDB reads SQLite's databases too.
  if (head === undefined || /^.{8}DUCK|^SQLite format 3/s.test(head)) return;
  const use = useOf(path, OTHERS) ?? `-c "FROM read_text('${path}')" or by another read_… function`;
  const hint =
    found.size === 0 ? 'it is empty: remove it, or name another file' : `read it by ${use}`;
  throw new CliError('open', `cannot open ${path}: it is not a DuckDB database`, hint);
}

/** Throws a usage error if a file of `-f` has the suffix of a database, a cascade or data. */
export function checkScript(path: string): void {
  const use = useOf(path, NO_SCRIPTS);
  if (use === undefined) return;
  throw new CliError('usage', `'${path}' stands where the SQL file goes`, `did you mean ${use}?`);
}

/** True if both paths name the same file. */
export function isSameFile(path: string, other: string): boolean {
  const [a, b] = [factsOf(path), factsOf(other)];
  return a?.isFile() === true && a.ino === b?.ino && a.dev === b.dev;
}

/** Returns undefined also for a path through a file, or through a folder that must not be read. */
function factsOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** Returns the first characters of a file; undefined if it cannot be read, which DuckDB then reports. */
function headOf(path: string): string | undefined {
  const head = Buffer.alloc(16);
  try {
    const file = openSync(path, 'r');
    try {
      return head.toString('latin1', 0, readSync(file, head, 0, head.length, 0));
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
}
