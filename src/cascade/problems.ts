/** Problems in a file that people write. They are collected while the file is read, and thrown as one error. */
import { RvbbitError, type SourcePlace } from '../errors.ts';
import { CASCADE_MAX_PROBLEMS } from '../limits.ts';

/** One problem, and its place. */
export interface Problem {
  readonly place: SourcePlace;
  readonly message: string;
}

/** Formats a place as `file:line:column`, which editors and terminals turn into a link. */
export function formatPlace(place: SourcePlace): string {
  return `${place.file ?? 'cascade'}:${place.line}:${place.column}`;
}

/** Lists the problems of `what` in the file's order, up to 20 of them, and returns the place of the first. */
export function listProblems(
  what: string,
  problems: readonly Problem[],
): { readonly message: string; readonly place?: SourcePlace } {
  const sorted = [...problems].sort(
    (a, b) => a.place.line - b.place.line || a.place.column - b.place.column,
  );
  const lines = sorted
    .slice(0, CASCADE_MAX_PROBLEMS)
    .map((problem) => `${formatPlace(problem.place)} ${problem.message}`);
  if (sorted.length > lines.length) lines.push(`and ${sorted.length - lines.length} more`);
  const count = sorted.length === 1 ? '1 problem' : `${sorted.length} problems`;
  return {
    message: `${what} has ${count}:\n${lines.join('\n')}`,
    ...(sorted[0] === undefined ? {} : { place: sorted[0].place }),
  };
}

/** Makes one RVB_CASCADE_INVALID that lists the problems. */
export function cascadeInvalid(file: string, problems: readonly Problem[]): RvbbitError {
  const { message, place } = listProblems(`cascade '${file}'`, problems);
  return new RvbbitError('RVB_CASCADE_INVALID', message, {
    stage: 'cascade',
    ...(place === undefined ? {} : { place }),
  });
}
