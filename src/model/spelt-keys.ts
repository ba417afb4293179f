/** Spells keys of settings for the configuration file (`base_url`) and for the API (`baseUrl`). */
import * as z from 'zod';

/** Where settings are written: in the configuration file, or in the API. Only the API allows a literal API key. */
export type Spelling = 'file' | 'api';

function camelCase(key: string): string {
  return key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** Returns the snake_case `key` in the given spelling. */
export function spell(key: string, spelling: Spelling): string {
  return spelling === 'file' ? key : camelCase(key);
}

/** Returns a strict zod object of `keys`, with each key in the given spelling. */
export function mapping(keys: z.core.$ZodLooseShape, spelling: Spelling) {
  const spelt = Object.entries(keys).map(([key, value]) => [spell(key, spelling), value]);
  return z.strictObject(Object.fromEntries(spelt) as z.core.$ZodLooseShape);
}

/** Keys whose values are milliseconds once they are read. */
const DURATIONS: ReadonlySet<string> = new Set(['window', 'maxAge', 'idleTimeout']);

/** Returns `values` with camelCase keys and without undefined values. Keys of durations get the suffix `Ms`. */
export function settings<T>(values: object): T {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    given.map(([key, value]) => {
      const name = camelCase(key);
      return [DURATIONS.has(name) ? `${name}Ms` : name, value];
    }),
  ) as T;
}
