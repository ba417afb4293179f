/** Keys of settings as a file and as the API writes them: `base_url` and `baseUrl`. */
import * as z from 'zod';

/** Of a file, or of the API, where a literal key is allowed. */
export type Spelling = 'file' | 'api';

function camelCase(key: string): string {
  return key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** A key of a file as `spelling` writes it. */
export function spell(key: string, spelling: Spelling): string {
  return spelling === 'file' ? key : camelCase(key);
}

/** A mapping of keys, each as `spelling` writes it. */
export function mapping(keys: z.core.$ZodLooseShape, spelling: Spelling) {
  const spelt = Object.entries(keys).map(([key, value]) => [spell(key, spelling), value]);
  return z.strictObject(Object.fromEntries(spelt) as z.core.$ZodLooseShape);
}

/** Keys whose values are milliseconds once they are read. */
const DURATIONS: ReadonlySet<string> = new Set(['window', 'maxAge', 'idleTimeout']);

/** The keys as the API writes them, those without a value left out. */
export function settings<T>(values: object): T {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    given.map(([key, value]) => {
      const name = camelCase(key);
      return [DURATIONS.has(name) ? `${name}Ms` : name, value];
    }),
  ) as T;
}
