/** Finds the cascade files under the roots. */
import { readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CASCADE_MAX_BYTES } from '../limits.ts';
import { listCascades } from './find-cascades.ts';

const CASCADE_KEY = /^\ufeff?(?:"cascade_id"|'cascade_id'|cascade_id)\s*:/m;

/**
 * Returns the YAML files under the roots that have a `cascade_id`, each once, relative to its root. Ignores other files,
 * and files that stand behind another one of the same path.
 */
export async function findCascades(roots: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  const seen = new Set<string>();
  for (const root of roots) {
    for (const path of await listCascades(root)) {
      const file = await realpath(join(root, path)).catch(() => undefined);
      if (file === undefined || seen.has(file) || found.includes(path)) continue;
      if (!(await isCascade(file))) continue;
      seen.add(file);
      found.push(path);
    }
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
