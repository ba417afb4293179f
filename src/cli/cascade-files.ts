/** Finds the cascade files under a root. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { listCascades } from '../cascade/find-cascades.ts';
import { CASCADE_MAX_BYTES } from '../limits.ts';

const CASCADE_KEY = /^\ufeff?(?:"cascade_id"|'cascade_id'|cascade_id)\s*:/m;

/** Returns the YAML files under `root` that have a `cascade_id`, relative to `root` and sorted. Ignores other files. */
export async function findCascades(root: string): Promise<string[]> {
  const found: string[] = [];
  for (const path of await listCascades(root)) {
    if (await isCascade(join(root, path))) found.push(path);
  }
  return found;
}

async function isCascade(path: string): Promise<boolean> {
  try {
    // A file that is too large is listed, so that loading it reports the problem.
    return (
      (await stat(path)).size > CASCADE_MAX_BYTES || CASCADE_KEY.test(await readFile(path, 'utf8'))
    );
  } catch {
    return false;
  }
}
