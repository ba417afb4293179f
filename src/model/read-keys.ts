/** Mappings with known keys, as a file spells them or as the API does. */
import { nearestSpelling } from '../../grammar/spelling.ts';
import { RvbbitError } from '../errors.ts';
import { readMapping } from './read-value.ts';

/** How keys are written: `base_url` in a file, `baseUrl` in the API, where a literal key is allowed. */
export type Spelling = 'file' | 'api';

/** A plain object whose keys are known, under their names in a file. */
export function readObject(
  value: unknown,
  path: string,
  known: readonly string[],
  spelling: Spelling,
): Readonly<Record<string, unknown>> {
  const names = new Map(known.map((key) => [spell(key, spelling), key]));
  const found: Record<string, unknown> = {};
  for (const [name, item] of Object.entries(readMapping(value, path, true))) {
    const key = names.get(name);
    if (key === undefined) {
      const near = nearestSpelling(name, names.keys());
      const hint =
        near === undefined ? `; it has ${[...names.keys()].join(', ')}` : `; did you mean ${near}?`;
      throw new RvbbitError('RVB_UNKNOWN_OPTION', `${path} has no key ${name}${hint}`, {
        stage: 'open',
      });
    }
    if (item !== undefined) found[key] = item;
  }
  return found;
}

/** A key of a file as it is written in the file or in the API. */
export function spell(key: string, spelling: Spelling): string {
  if (spelling === 'file') return key;
  return key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
