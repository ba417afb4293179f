/** Prints errors on the command line. */

import { createSourceText, type Position } from '../../grammar/source-text.ts';
import type { ErrorCode } from '../error-codes.ts';
import { RvbbitError, type SourcePlace } from '../errors.ts';
import { CliError } from './exit-codes.ts';
import { isCommand, type ScriptPart } from './script.ts';
import { sayError } from './stderr.ts';

/** Advice on what to do next, for errors whose message does not say it. */
const NEXT: Partial<Record<ErrorCode, string>> = {
  RVB_CASCADE_NOT_FOUND: 'paths start at the cascade root: name another with --cascades <dir>',
  RVB_PATH_DENIED: 'name a cascade root that holds the file with --cascades <dir>',
  RVB_DEADLINE: 'raise `deadline`, read fewer rows, or raise PARALLEL',
  RVB_BUDGET: 'raise the limit that the message names, or read fewer rows',
  RVB_TIMEOUT: 'raise `timeout` in WITH ( … )',
  RVB_WORKER_BOOT: '`rvbbit doctor` says what is missing',
  RVB_INTERNAL: 'this is a fault of the engine; `rvbbit doctor` checks the installation',
};

/** Returns the place of an error inside a statement. `sql` of a statement has the lines and columns of the source. */
function placeWithin(thrown: RvbbitError, part: ScriptPart): Position | undefined {
  // A place in another file, a cascade or the configuration, is named by the message.
  if (isCommand(part) || thrown.place === undefined || thrown.place.file !== undefined) return;
  // Once the query of a dialect statement is bound, places count in the engine's SQL.
  const isOfEngine = part.dialect && thrown.code === 'RVB_SQL' && thrown.stage !== 'bind';
  return isOfEngine ? undefined : thrown.place;
}

/** Returns the line of the statement with the place, and a caret under it, unless the message has them. */
function excerptOf(thrown: RvbbitError, part: ScriptPart): string[] {
  const place = placeWithin(thrown, part);
  if (place === undefined || isCommand(part) || thrown.message.includes('^')) return [];
  const text = createSourceText(part.sql);
  return text.excerptAt(text.offsetAt(place), 1).split('\n');
}

/** Returns the command that stands inside a statement, as if it were a part of it, if that is what is wrong with it. */
function commandWithin(thrown: RvbbitError, part: ScriptPart | undefined): string | undefined {
  if (part === undefined || isCommand(part) || thrown.sqlState !== '42601') return undefined;
  const command = /\n[ \t]*([.\\][a-z?]+)\b/i.exec(part.sql.slice(part.firstWord))?.[1];
  return command === undefined
    ? undefined
    : `${command} stands inside a statement: end the statement before it with a semicolon`;
}

/** Prints an error and, if the part of a script is given, the error's place in it. */
export function reportError(thrown: unknown, part?: ScriptPart): void {
  const within = part && thrown instanceof RvbbitError ? placeWithin(thrown, part) : undefined;
  const at = part === undefined ? [] : atLine({ ...part.place, ...within }, thrown);
  if (thrown instanceof CliError) {
    const title = thrown.verdict === 'usage' ? 'usage' : 'error';
    sayError(title, thrown.message, hint(thrown.hint));
  } else if (thrown instanceof RvbbitError) {
    const excerpt = part === undefined ? [] : excerptOf(thrown, part);
    const next = commandWithin(thrown, part) ?? NEXT[thrown.code];
    sayError(thrown.code, thrown.message, [...at, ...excerpt, ...hint(next)]);
  } else {
    sayError('error', thrown instanceof Error ? thrown.message : String(thrown), at);
  }
}

/** Returns `at file:line:column`; without a file, line and column, or nothing if the message already names them. */
function atLine({ file, line, column }: SourcePlace, thrown: unknown): string[] {
  if (file !== undefined) return [`at ${file}:${line}:${column}`];
  const text = `line ${line}, column ${column}`;
  return thrown instanceof Error && thrown.message.includes(text) ? [] : [`at ${text}`];
}

function hint(text: string | undefined): string[] {
  return text === undefined ? [] : [`next: ${text}`];
}
