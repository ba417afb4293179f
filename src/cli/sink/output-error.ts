import { CliError } from '../exit-codes.ts';
import { systemErrorText } from '../text/system-error.ts';

/** True if the reader of the output has ended, as in `rvbbit … | head`. That is no failure. */
export function isReaderGone(thrown: unknown): boolean {
  return (thrown as NodeJS.ErrnoException).code === 'EPIPE';
}

/** Returns the error of an output that cannot be written. */
export function outputError(thrown: unknown, path = 'the output'): CliError {
  return new CliError('open', `cannot write ${path}: ${systemErrorText(thrown)}`);
}
