/** Mappings with known keys, as a file spells them or as the API does. */
import { refuseUnknown } from '../check-options.ts';
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
  const mapping = readMapping(value, path, true);
  refuseUnknown(path, mapping, [...names.keys()], 'key');
  const found: Record<string, unknown> = {};
  for (const [name, item] of Object.entries(mapping)) {
    const key = names.get(name);
    if (key !== undefined && item !== undefined) found[key] = item;
  }
  return found;
}

/** A key of a file as it is written in the file or in the API. */
export function spell(key: string, spelling: Spelling): string {
  if (spelling === 'file') return key;
  return key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
