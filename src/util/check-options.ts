/** Checks the options of the API's calls. Each call has a table with the values that each option takes. */
import { nearestSpelling } from '../../grammar/spelling.ts';
import { RvbbitError } from '../errors.ts';
import { MESSAGE_VALUE_CHARS } from '../limits.ts';

/** The values that one option takes. */
export interface OptionRule {
  /** The accepted values in words, for the message. */
  readonly takes: string;
  fits(value: unknown): boolean;
  /** Set if the message must not show the given value, which may be a key. */
  readonly isSecret?: true;
}

/** A rule for every option of a call. */
export type OptionRules<Options> = { readonly [key in keyof Options]-?: OptionRule };

/** Accepts an object that is no list. */
export const MAPPING: OptionRule = {
  takes: 'an object',
  fits: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
};

/** Accepts a text that is not empty. */
export const TEXT: OptionRule = {
  takes: 'a text',
  fits: (value) => typeof value === 'string' && value !== '',
};

/** Accepts true and false. */
export const BOOLEAN: OptionRule = {
  takes: 'true or false',
  fits: (value) => typeof value === 'boolean',
};

/** Accepts an AbortSignal. It checks the methods, so that a signal from another realm fits too. */
export const SIGNAL: OptionRule = {
  takes: 'an AbortSignal',
  fits: (value) =>
    hasMethods(value, ['addEventListener', 'removeEventListener']) && 'aborted' in value,
};

/** Returns a rule that accepts whole numbers from 1 to `max`. */
export function wholeNumber(max: number): OptionRule {
  return {
    takes: `a whole number from 1 to ${max}`,
    fits: (value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= max,
  };
}

/** True if the value is an object that has these methods. */
export function hasMethods(value: unknown, names: readonly string[]): value is object {
  if (typeof value !== 'object' || value === null) return false;
  return names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function');
}

/**
 * Throws RVB_UNKNOWN_OPTION for a key that has no rule, and RVB_OPTION_TYPE for a value that does not fit its rule.
 * undefined fits every rule. `place` is the call, e.g. `query`, or one of its options, e.g. `Engine.open: limits`.
 */
export function checkOptions<Options extends object>(
  place: string,
  options: Options,
  rules: OptionRules<Options>,
): void {
  if (!MAPPING.fits(options)) throw wrongType(`${place}: options`, MAPPING, options);
  refuseUnknown(place, options, Object.keys(rules));
  for (const [key, rule] of Object.entries<OptionRule>(rules)) {
    const value: unknown = options[key as keyof Options];
    if (value === undefined || rule.fits(value)) continue;
    throw wrongType(`${place}: ${key}`, rule, value);
  }
}

/** Throws RVB_UNKNOWN_OPTION for the first key of `given` that is not one of `known`. */
function refuseUnknown(place: string, given: object, known: readonly string[]): void {
  const key = Object.keys(given).find((name) => !known.includes(name));
  if (key === undefined) return;
  const near = nearestSpelling(key, known);
  const advice = near === undefined ? `it has ${known.join(', ')}` : `did you mean ${near}?`;
  throw new RvbbitError('RVB_UNKNOWN_OPTION', `${place} has no option ${key}; ${advice}`, {
    stage: 'open',
  });
}

/** Returns an RVB_OPTION_TYPE that says what the option at `place` takes, and what it was given. */
export function wrongType(
  place: string,
  { takes, isSecret }: OptionRule,
  value: unknown,
): RvbbitError {
  const isShown = isSecret !== true && /^(?:string|number|boolean)$/.test(typeof value);
  const kind =
    value === null ? 'null' : Array.isArray(value) ? 'a list' : `a value of type ${typeof value}`;
  const shown = isShown ? String(JSON.stringify(value)).slice(0, MESSAGE_VALUE_CHARS) : kind;
  return new RvbbitError('RVB_OPTION_TYPE', `${place} takes ${takes}, not ${shown}`, {
    stage: 'open',
  });
}
