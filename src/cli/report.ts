/** Prints errors on the command line. */

import type { ErrorCode } from '../error-codes.ts';
import { RvbbitError, type SourcePlace } from '../errors.ts';
import { CliError } from './exit-codes.ts';
import type { ScriptStatement } from './script.ts';
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

/** Returns the place of an error in its source. `ScriptStatement.sql` has the lines and columns of the source. */
function placeOf(thrown: unknown, { place: start, dialect }: ScriptStatement): SourcePlace {
  if (!(thrown instanceof RvbbitError) || thrown.place === undefined) return start;
  const { file, line, column } = thrown.place;
  // The error is in another file, a cascade or the configuration. Its message names that place.
  if (file !== undefined) return start;
  // Once the query of a dialect statement is bound, places count in the engine's SQL.
  const isOfEngine = dialect && thrown.code === 'RVB_SQL' && thrown.stage !== 'bind';
  return isOfEngine ? start : { ...start, line, column };
}

/** Prints an error and, if `statement` is given, the error's place in it. */
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

/** Returns `at file:line:column`; without a file, line and column, or nothing if the message already names them. */
function atLine({ file, line, column }: SourcePlace, thrown: unknown): string[] {
  if (file !== undefined) return [`at ${file}:${line}:${column}`];
  const text = `line ${line}, column ${column}`;
  return thrown instanceof Error && thrown.message.includes(text) ? [] : [`at ${text}`];
}

function hint(text: string | undefined): string[] {
  return text === undefined ? [] : [`next: ${text}`];
}
