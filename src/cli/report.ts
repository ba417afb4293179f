/** Errors as the command line shows them. */

import type { ErrorCode } from '../error-codes.ts';
import { RvbbitError, type SourcePlace } from '../errors.ts';
import { CliError } from './exit-codes.ts';
import type { ScriptStatement } from './script.ts';
import { sayError } from './stderr.ts';

/** What to do next, where the message alone leaves it open. */
const NEXT: Partial<Record<ErrorCode, string>> = {
  RVB_CASCADE_NOT_FOUND: 'paths start at the cascade root: name another with --cascades <dir>',
  RVB_PATH_DENIED: 'name a cascade root that holds the file with --cascades <dir>',
  RVB_DEADLINE: 'raise `deadline`, read fewer rows, or raise PARALLEL',
  RVB_BUDGET: 'raise the limit that the message names, or read fewer rows',
  RVB_TIMEOUT: 'raise `timeout` in WITH ( … )',
  RVB_WORKER_BOOT: '`rvbbit doctor` says what is missing',
  RVB_INTERNAL: 'this is a fault of the engine; `rvbbit doctor` checks the installation',
};

/**
 * Where an error lies in its source. RVBBIT's grammar counts in the source; DuckDB counts in the statement
 * that it was sent, which for the dialect is one of the engine's own making.
 */
function placeOf(thrown: unknown, { place: start, dialect }: ScriptStatement): SourcePlace {
  if (!(thrown instanceof RvbbitError) || thrown.place === undefined) return start;
  const { file, line, column } = thrown.place;
  // The message names the place in another file: a cascade, or the configuration.
  if (file !== undefined) return start;
  if (thrown.code !== 'RVB_SQL') return { ...start, line, column };
  // A query inside the dialect is placed in the source as it is bound; later, its text is the engine's.
  if (dialect) return thrown.stage === 'bind' ? { ...start, line, column } : start;
  return {
    ...start,
    line: start.line + line - 1,
    column: line === 1 ? start.column + column - 1 : column,
  };
}

/** Prints an error, and where in `statement` it lies if that is given. */
export function reportError(thrown: unknown, statement?: ScriptStatement): void {
  const at = statement === undefined ? [] : atLine(placeOf(thrown, statement), thrown);
  if (thrown instanceof CliError) {
    const title = thrown.verdict === 'usage' ? 'usage' : 'error';
    sayError(title, thrown.message, hint(thrown.hint));
  } else if (thrown instanceof RvbbitError) {
    sayError(thrown.code, thrown.message, [...at, ...hint(NEXT[thrown.code])]);
  } else {
    sayError('error', thrown instanceof Error ? thrown.message : String(thrown), at);
  }
}

/** `at file:line:column`; without a file the line alone, unless the message has said it. */
function atLine({ file, line, column }: SourcePlace, thrown: unknown): string[] {
  if (file !== undefined) return [`at ${file}:${line}:${column}`];
  const text = `line ${line}, column ${column}`;
  return thrown instanceof Error && thrown.message.includes(text) ? [] : [`at ${text}`];
}

function hint(text: string | undefined): string[] {
  return text === undefined ? [] : [`next: ${text}`];
}
