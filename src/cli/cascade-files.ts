/** The cascade files under a root. */
import type { Dirent } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CASCADE_MAX_BYTES } from '../limits.ts';

/** Folders and files looked at before the search gives up. */
const SEARCH_MAX_ENTRIES = 20_000;
const SEARCH_MAX_DEPTH = 12;
const CASCADE_KEY = /^(?:"cascade_id"|'cascade_id'|cascade_id)\s*:/m;

/** Paths of the YAML files under `root` that have a `cascade_id`, relative to it, sorted, with forward slashes. */
export async function findCascades(root: string): Promise<string[]> {
  const found: string[] = [];
  let entries = 0;
  const walk = async (folder: string, depth: number): Promise<void> => {
    const listed: Dirent[] = await readdir(join(root, folder), { withFileTypes: true }).catch(
      () => [],
    );
    for (const entry of listed) {
      if (++entries > SEARCH_MAX_ENTRIES) return;
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
      if (entry.isDirectory() && depth < SEARCH_MAX_DEPTH) await walk(path, depth + 1);
      else if (/\.ya?ml$/i.test(entry.name) && (await isCascade(join(root, path))))
        found.push(path);
    }
  };
  await walk('', 0);
  return found.sort();
}

async function isCascade(path: string): Promise<boolean> {
  try {
    if ((await stat(path)).size > CASCADE_MAX_BYTES) return false;
    return CASCADE_KEY.test(await readFile(path, 'utf8'));
  } catch {
    return false;
  }
}
