/** Completes typed text: commands, keywords of the dialect, cascades, tables, columns and files. */
import { readdir } from 'node:fs/promises';
import { completionsAt } from '../../../grammar/completion.ts';
import { opensDialect } from '../../../grammar/recognise.ts';
import { createLexeme, Kind, scan } from '../../../grammar/scan.ts';
import { listCascades } from '../../cascade/find-cascades.ts';
import { cascadeRoots } from '../session.ts';
import type { Shell } from './command.ts';
import { commandNamed } from './commands.ts';
import { cutInput } from './cut-input.ts';
import { isSqlWord } from './highlight.ts';

/** The number of completions that are offered. */
const MAX_COMPLETIONS = 60;
/** DuckDB's completions that take longer are left out. */
const DUCKDB_MS = 500;

/** Completions, and the text before the cursor that they replace. */
type Completions = [string[], string];

/** Returns what may come at the end of the text. */
export async function complete(shell: Shell, text: string): Promise<Completions> {
  const { rest, open } = cutInput(`${text}x`);
  // A command is complete at every length, so that no rest is left of it.
  const line = text.slice(text.lastIndexOf('\n') + 1).trimStart();
  const [words, begun] =
    rest === ''
      ? await completeCommand(shell, line)
      : open === "'"
        ? await completeString(shell, rest.slice(0, -1).trimStart())
        : await completeSql(shell, rest.slice(0, -1).trimStart());
  return [[...new Set(words)].slice(0, MAX_COMPLETIONS), begun];
}

async function completeCommand(shell: Shell, line: string): Promise<Completions> {
  const [, name = '', blank = '', argument = ''] = /^(\S*)(\s*)(.*)$/s.exec(line) ?? [];
  if (blank === '') {
    const names = shell.commands.flatMap((command) => command.names);
    return [names.filter((each) => each.startsWith(name)), name];
  }
  const completes = commandNamed(name)?.completes;
  if (completes === 'files') return [await files(argument), argument];
  if (completes === 'tables') return [await tableNames(shell, argument), argument];
  return [(completes ?? []).filter((word) => word.startsWith(argument)), argument];
}

/** Completes a text in quotes: a cascade in a statement of the dialect, else a file. */
async function completeString(shell: Shell, typed: string): Promise<Completions> {
  const begun = typed.slice(typed.lastIndexOf("'") + 1);
  const roots = isDialect(typed) ? await cascadeRoots(shell.options) : [];
  const paths = isDialect(typed)
    ? (await Promise.all(roots.map(listCascades))).flat()
    : await files(begun);
  return [paths.filter((path) => path.startsWith(begun)), begun];
}

async function completeSql(shell: Shell, typed: string): Promise<Completions> {
  const [begun] = /[\p{L}\p{N}_]*$/u.exec(typed)!;
  const dialect = completionsAt(typed, typed.length);
  const query = openQuery(typed);
  const names = query === undefined ? [] : await sqlNames(shell, query, begun);
  return [[...dialect, ...names], begun];
}

/** Returns the SQL at the end of the text: in a statement of the dialect, what follows its open bracket. */
function openQuery(typed: string): string | undefined {
  if (!isDialect(typed)) return typed;
  const opened: number[] = [];
  const lexeme = createLexeme();
  for (let at = 0; ; at = lexeme.end) {
    scan(typed, at, typed.length, lexeme);
    if (lexeme.kind === Kind.End) break;
    if (lexeme.kind === Kind.Open) opened.push(lexeme.end);
    if (lexeme.kind === Kind.Close) opened.pop();
  }
  const [first] = opened;
  return first === undefined || !/\busing\s*\($/i.test(typed.slice(0, first))
    ? undefined
    : typed.slice(first);
}

function isDialect(typed: string): boolean {
  return opensDialect(typed, 0, typed.length);
}

/** Asks DuckDB for columns and tables; if there are none, for keywords in the case of what is typed. */
async function sqlNames(shell: Shell, query: string, begun: string): Promise<string[]> {
  const { rows } = await shell.workspace.engine.query(
    'SELECT suggestion AS word, suggestion_type AS type FROM sql_auto_complete($1)',
    [query],
    { origin: 'cli', signal: AbortSignal.timeout(DUCKDB_MS) },
  );
  const names: string[] = [];
  const keywords: string[] = [];
  for (const row of rows) {
    const word = String(row['word']).trim();
    if (!word.toLowerCase().startsWith(begun.toLowerCase())) continue;
    if (/^(?:table|column|view|schema|catalog|file_name)$/.test(String(row['type']))) {
      if (!/^(?:pragma|duckdb|sqlite|pg)_/.test(word) || begun.includes('_')) names.push(word);
    } else if (row['type'] === 'keyword' && begun !== '' && isSqlWord(word)) {
      keywords.push(/[a-z]/.test(begun) ? word.toLowerCase() : word.toUpperCase());
    }
  }
  return names.length > 0 ? names : keywords;
}

async function tableNames(shell: Shell, begun: string): Promise<string[]> {
  const { rows } = await shell.workspace.engine.query(
    `SELECT table_name AS name FROM duckdb_tables() WHERE NOT internal
     UNION ALL SELECT view_name FROM duckdb_views() WHERE NOT internal ORDER BY name`,
    undefined,
    { origin: 'cli', signal: AbortSignal.timeout(DUCKDB_MS) },
  );
  return rows.map(({ name }) => String(name)).filter((name) => name.startsWith(begun));
}

/** Returns the paths that begin like `begun`. A folder ends in a slash. */
async function files(begun: string): Promise<string[]> {
  const folder = begun.slice(0, begun.lastIndexOf('/') + 1);
  const entries = await readdir(folder === '' ? '.' : folder, { withFileTypes: true }).catch(
    () => [],
  );
  return entries
    .filter(({ name }) => !name.startsWith('.') || begun.slice(folder.length).startsWith('.'))
    .map((entry) => `${folder}${entry.name}${entry.isDirectory() ? '/' : ''}`)
    .filter((path) => path.startsWith(begun))
    .sort();
}
