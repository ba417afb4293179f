/** Resolves a cascade file that is typed on the command line against the cascade roots. */
import { existsSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { filesNamed } from '../cascade/find-cascades.ts';
import type { CliOptions } from './options.ts';
import { cascadeRoots } from './session.ts';

/** The cascade roots, and the file's path under one of them with forward slashes. */
export interface CascadePlace {
  readonly roots: readonly string[];
  readonly path: string;
}

/**
 * Finds a cascade typed on the command line, with or without its suffix: under the roots, else from the working folder.
 * Without `--cascades`, the root of a file outside all roots is the file's own folder.
 */
export async function placeCascade(
  typed: string,
  options: Pick<CliOptions, 'cascades'>,
): Promise<CascadePlace> {
  const roots = await cascadeRoots(options);
  const file = resolve(typed);
  const candidates = isAbsolute(typed) ? [] : roots.map((root) => resolve(root, typed));
  for (const candidate of [...candidates, file]) {
    const path = isThere(candidate) ? pathUnder(roots, candidate) : undefined;
    if (path !== undefined) return { roots, path };
  }
  if (options.cascades === undefined && isThere(file)) {
    return { roots: [dirname(file)], path: basename(file) };
  }
  return { roots, path: typed };
}

/** Returns the path by which the roots give this file; undefined if they do not. */
function pathUnder(roots: readonly string[], file: string): string | undefined {
  for (const root of roots) {
    const path = within(root, file);
    if (path !== undefined && fileUnder(roots, path) === join(root, path)) return path;
  }
  return undefined;
}

/** Returns the file or folder of this path under the first root that has it; undefined if no root has it. */
export function fileUnder(roots: readonly string[], path: string): string | undefined {
  return roots.map((root) => join(root, path)).find(isThere);
}

function isThere(file: string): boolean {
  return [file, ...filesNamed(file)].some((named) => existsSync(named));
}

function within(root: string, file: string): string | undefined {
  const path = relative(resolve(root), file);
  return path === '..' || path.startsWith(`..${sep}`) || isAbsolute(path)
    ? undefined
    : path.split(sep).join('/');
}
