/** What to say when a cascade is not there: the missing suffix, or the nearest names under the root. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { nearestSpelling } from '../../grammar/spelling.ts';
import { RvbbitError } from '../errors.ts';
import { CASCADE_SEARCH_ENTRIES } from '../limits.ts';
import { showName } from './resolve-path.ts';

/** Cascade files under the root, breadth first, sorted; hidden folders and node_modules are left out. */
export async function listCascades(root: string): Promise<readonly string[]> {
  const found: string[] = [];
  const folders = [''];
  let looked = 0;
  for (let folder = folders.shift(); folder !== undefined; folder = folders.shift()) {
    const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      if (++looked > CASCADE_SEARCH_ENTRIES) return found.sort();
      const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules') {
        folders.push(name);
      } else if (entry.isFile() && hasCascadeSuffix(entry.name)) found.push(name);
    }
  }
  return found.sort();
}

/** True for `.yaml` and `.yml`. */
export function hasCascadeSuffix(name: string): boolean {
  return /\.ya?ml$/.test(name);
}

/** RVB_CASCADE_NOT_FOUND with what the user may have meant. */
export async function cascadeNotFound(root: string, name: string): Promise<RvbbitError> {
  const known = await listCascades(root);
  const shown = showName(name);
  let message: string;
  if (!hasCascadeSuffix(name)) {
    const meant = [`${name}.yaml`, `${name}.yml`].find((file) => known.includes(file));
    message = `cascade '${shown}' has no suffix .yaml or .yml`;
    if (meant !== undefined) message += `; did you mean '${meant}'?`;
  } else {
    message = `there is no cascade '${shown}' under ${root}`;
    const base = (file: string): string => file.slice(file.lastIndexOf('/') + 1);
    const near =
      known.find((file) => base(file) === base(name)) ??
      nearestSpelling(name, known) ??
      known.find((file) => base(file) === nearestSpelling(base(name), known.map(base)));
    if (near !== undefined) message += `; did you mean '${near}'?`;
    else if (known.length > 0) message += `; there are ${known.slice(0, 5).join(', ')}`;
    else message += '; no .yaml file is there (the root is the option `cascades`)';
  }
  return new RvbbitError('RVB_CASCADE_NOT_FOUND', message, { stage: 'cascade' });
}
