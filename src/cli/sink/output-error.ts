import { CliError } from '../exit-codes.ts';
import { systemErrorText } from '../text/system-error.ts';

/** Whether nobody reads any more, as in `rvbbit … | head`: that is no failure. */
export function isReaderGone(thrown: unknown): boolean {
  return (thrown as NodeJS.ErrnoException).code === 'EPIPE';
}

/** The error of an output that cannot be written. */
export function outputError(thrown: unknown, path = 'the output'): CliError {
  return new CliError('open', `cannot write ${path}: ${systemErrorText(thrown)}`);
}
