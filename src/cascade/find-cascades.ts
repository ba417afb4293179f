/** Cascade files under a root, and what to say when one is not there. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { nearestSpelling } from '../../grammar/spelling.ts';
import { RvbbitError } from '../errors.ts';
import { showName } from './resolve-path.ts';

/** Folders and files that the search for a misspelt cascade looks at. */
const CASCADE_SEARCH_ENTRIES = 2_000;

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

/** The files that a cascade's name may mean: itself with a suffix, or one of the two with it. */
export function filesNamed(name: string): readonly [string, ...string[]] {
  return hasCascadeSuffix(name) ? [name] : [`${name}.yaml`, `${name}.yml`];
}

/** RVB_CASCADE_NOT_FOUND with what the user may have meant. */
export async function cascadeNotFound(root: string, name: string): Promise<RvbbitError> {
  const known = await cascadesLike(root, name);
  const sought = filesNamed(name)
    .map((file) => `'${showName(file)}'`)
    .join(' or ');
  let message = `there is no cascade ${sought} under ${root}`;
  const near = nearestIn(known, name);
  if (near !== undefined) message += `; did you mean '${near}'?`;
  else if (known.length > 0) message += `; there are ${known.slice(0, 5).join(', ')}`;
  else message += '; no .yaml file is there (the root is the option `cascades`)';
  return new RvbbitError('RVB_CASCADE_NOT_FOUND', message, { stage: 'cascade' });
}

/** The cascade whose name is spelt most like `name`; undefined if none is near. */
export async function nearestCascade(root: string, name: string): Promise<string | undefined> {
  return nearestIn(await cascadesLike(root, name), name);
}

/** The cascades under the root as `name` would name them: without a suffix where it has none. */
async function cascadesLike(root: string, name: string): Promise<readonly string[]> {
  const files = await listCascades(root);
  if (hasCascadeSuffix(name)) return files;
  return [...new Set(files.map((file) => file.replace(/\.ya?ml$/, '')))];
}

function nearestIn(known: readonly string[], name: string): string | undefined {
  const base = (file: string): string => file.slice(file.lastIndexOf('/') + 1);
  return (
    known.find((file) => base(file) === base(name)) ??
    nearestSpelling(name, known) ??
    known.find((file) => base(file) === nearestSpelling(base(name), known.map(base)))
  );
}
