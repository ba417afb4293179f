/** Values of a configuration, checked; an error names the key's path and never shows a secret. */
import { RvbbitError } from '../errors.ts';

/** A plain object with any keys; what stands in its place is not shown where it may be a secret. */
export function readMapping(
  value: unknown,
  path: string,
  isSecret = false,
): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrongType(path, 'a mapping', isSecret ? 'what it has' : value);
  }
  return value as Readonly<Record<string, unknown>>;
}

/** A number in a range. */
export function readNumber(
  value: unknown,
  path: string,
  { whole, min, max }: { readonly whole: boolean; readonly min: number; readonly max: number },
): number {
  const isGood =
    typeof value === 'number' &&
    value >= min &&
    value <= max &&
    (!whole || Number.isInteger(value));
  if (!isGood)
    throw wrongType(path, `a ${whole ? 'whole ' : ''}number from ${min} to ${max}`, value);
  return value;
}

/** A text of one line; a secret one is never shown. */
export function readText(value: unknown, path: string, isSecret = false): string {
  const text = typeof value === 'string' ? value.trim() : '';
  if (text !== '' && /^[\u0020-\u007e]+$/.test(text)) return text;
  throw wrongType(path, 'a line of plain characters', isSecret ? 'what it has' : value);
}

/** RVB_OPTION_TYPE: what a key takes, and what it was given. */
export function wrongType(path: string, expected: string, value: unknown): RvbbitError {
  const shown = value === undefined ? 'nothing' : (JSON.stringify(value) ?? typeof value);
  return optionError(`${path} takes ${expected}, not ${shown.slice(0, 80)}`);
}

/** RVB_OPTION_TYPE, at the opening of the engine. */
export function optionError(message: string): RvbbitError {
  return new RvbbitError('RVB_OPTION_TYPE', message, { stage: 'open' });
}
