/** Resolves a cascade file that is typed on the command line against the cascade root. */
import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { filesNamed } from '../cascade/find-cascades.ts';
import type { CliOptions } from './options.ts';
import { cascadeRoot } from './session.ts';

/** The cascade root, and the file's path under the root with forward slashes. */
export interface CascadePlace {
  readonly root: string;
  readonly path: string;
}

/**
 * Finds a cascade typed on the command line, with or without its suffix: under the root, else from the working
 * folder. Without `--cascades`, the root of a file outside the working folder is the file's own folder.
 */
export function placeCascade(typed: string, options: Pick<CliOptions, 'cascades'>): CascadePlace {
  const root = cascadeRoot(options);
  if (!isAbsolute(typed) && isThere(join(root, typed))) {
    const path = within(root, resolve(root, typed));
    if (path !== undefined) return { root, path };
  }
  const file = resolve(typed);
  const path = isThere(file) ? within(root, file) : undefined;
  if (path !== undefined) return { root, path };
  if (options.cascades === undefined && isThere(file)) {
    return { root: dirname(file), path: relative(dirname(file), file) };
  }
  return { root, path: typed };
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
