/** What is wrong with a file that people write: collected while it is read, raised as one error. */
import { RvbbitError, type SourcePlace } from '../errors.ts';
import { CASCADE_MAX_PROBLEMS } from '../limits.ts';

/** One thing wrong, and where. */
export interface Problem {
  readonly place: SourcePlace;
  readonly message: string;
}

/** `file:line:column`, as editors and terminals link it. */
export function formatPlace(place: SourcePlace): string {
  return `${place.file ?? 'cascade'}:${place.line}:${place.column}`;
}

/** The problems of `what` in the file's order, up to 20 of them, and the place of the first. */
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

/** One RVB_CASCADE_INVALID that lists the problems. */
export function cascadeInvalid(file: string, problems: readonly Problem[]): RvbbitError {
  const { message, place } = listProblems(`cascade '${file}'`, problems);
  return new RvbbitError('RVB_CASCADE_INVALID', message, {
    stage: 'cascade',
    ...(place === undefined ? {} : { place }),
  });
}
