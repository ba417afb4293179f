/** Lists the cascade files under the roots, and makes the error for a cascade that does not exist. */
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { nearestSpelling } from '../../grammar/spelling.ts';
import { RvbbitError } from '../errors.ts';
import { CASCADE_MAX_BYTES } from '../limits.ts';
import { type CascadeRoots, rootsOf, showName } from './resolve-path.ts';

/** The most folders and files that the search for a misspelt cascade examines. */
const CASCADE_SEARCH_ENTRIES = 2_000;

/**
 * Lists the cascade files under a root. It searches breadth first, skips hidden folders and node_modules, and sorts the
 * result.
 */
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

/** Every cascade has cells. One that is broken may have only a `cascade_id`. */
const CASCADE_KEY = /^\ufeff?(?:\{ *)?["']?(?:cascade_id|cells)["']?\s*:/m;

/**
 * Returns the YAML files under the roots that are cascades, each once, relative to its root. Ignores other files,
 * and files that stand behind another one of the same path.
 */
export async function findCascades(roots: CascadeRoots): Promise<readonly string[]> {
  const found: string[] = [];
  const seen = new Set<string>();
  for (const root of rootsOf(roots)) {
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

/** True for `.yaml` and `.yml`. */
export function hasCascadeSuffix(name: string): boolean {
  return /\.ya?ml$/.test(name);
}

/** Returns the files that a cascade's name may mean: the name itself if it has a suffix, else the name with each of the two. */
export function filesNamed(name: string): readonly [string, ...string[]] {
  return hasCascadeSuffix(name) ? [name] : [`${name}.yaml`, `${name}.yml`];
}

/** Makes the error RVB_CASCADE_NOT_FOUND, with a suggestion. */
export async function cascadeNotFound(roots: CascadeRoots, name: string): Promise<RvbbitError> {
  const known = await cascadesLike(roots, name);
  const sought = filesNamed(name)
    .map((file) => `'${showName(file)}'`)
    .join(' or ');
  let message = `there is no cascade ${sought} under ${rootsOf(roots).join(' or ')}`;
  const near = nearestIn(known, name);
  if (near !== undefined) message += `; did you mean '${near}'?`;
  else if (known.length > 0) message += `; there are ${known.slice(0, 5).join(', ')}`;
  else message += '; no .yaml file is there (the root is the option `cascades`)';
  return new RvbbitError('RVB_CASCADE_NOT_FOUND', message, { stage: 'cascade' });
}

/** Returns the cascade whose name is most similar to `name`; undefined if none is similar. */
export async function nearestCascade(
  roots: CascadeRoots,
  name: string,
): Promise<string | undefined> {
  return nearestIn(await cascadesLike(roots, name), name);
}

/** Lists the cascades under the roots, each once, without their suffixes if `name` has none. */
async function cascadesLike(roots: CascadeRoots, name: string): Promise<readonly string[]> {
  const files = (await Promise.all(rootsOf(roots).map(listCascades))).flat();
  const known = hasCascadeSuffix(name) ? files : files.map((file) => file.replace(/\.ya?ml$/, ''));
  return [...new Set(known)];
}

function nearestIn(known: readonly string[], name: string): string | undefined {
  const base = (file: string): string => file.slice(file.lastIndexOf('/') + 1);
  return (
    known.find((file) => base(file) === base(name)) ??
    nearestSpelling(name, known) ??
    known.find((file) => base(file) === nearestSpelling(base(name), known.map(base)))
  );
}
