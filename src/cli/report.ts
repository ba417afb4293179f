/** Errors as the command line shows them. */
import { type ErrorCode, RvbbitError, type SourcePlace } from '../errors.ts';
import { CliError } from './exit-codes.ts';
import { sayError } from './stderr.ts';

/** What to do next, where the message alone leaves it open. */
const NEXT: Partial<Record<ErrorCode, string>> = {
  RVB_CASCADE_NOT_FOUND: 'paths start at the cascade root: name another with --cascades <dir>',
  RVB_PATH_DENIED: 'name a cascade root that holds the file with --cascades <dir>',
  RVB_NO_MODEL: 'use a cascade without `instructions`, or configure a model',
  RVB_DEADLINE: 'raise `deadline`, read fewer rows, or raise PARALLEL',
  RVB_BUDGET: 'raise the limit that the message names, or read fewer rows',
  RVB_TIMEOUT: 'raise `timeout` in WITH ( … )',
  RVB_WORKER_BOOT: '`rvbbit doctor` says what is missing',
  RVB_INTERNAL: 'this is a fault of the engine; `rvbbit doctor` checks the installation',
};

/** Where in a file an error lies: `file:line:column`; undefined where the source has no name. */
function placeText(place: SourcePlace | undefined, file: string | undefined): string | undefined {
  if (place === undefined) return file;
  const name = place.file ?? file;
  return name === undefined ? undefined : `${name}:${place.line}:${place.column}`;
}

/** Prints an error. `at` is where the statement begins, for errors that do not know better. */
export function reportError(thrown: unknown, at?: SourcePlace): void {
  if (thrown instanceof CliError) {
    sayError(
      thrown.verdict === 'usage' ? 'usage' : 'cannot open',
      thrown.message,
      hint(thrown.hint),
    );
  } else if (thrown instanceof RvbbitError) {
    const place = placeText(thrown.place ?? at, at?.file);
    const more = place === undefined ? [] : [`at ${place}`];
    sayError(thrown.code, thrown.message, [...more, ...hint(NEXT[thrown.code])]);
  } else {
    const place = placeText(at, at?.file);
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    sayError('error', message, place === undefined ? [] : [`at ${place}`]);
  }
}

function hint(text: string | undefined): string[] {
  return text === undefined ? [] : [`next: ${text}`];
}
