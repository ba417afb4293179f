/** A cascade file as it was typed, against the cascade root. */
import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import type { CliOptions } from './options.ts';
import { cascadeRoot } from './session.ts';

/** The cascade root, and the file's path under it with forward slashes. */
export interface CascadePlace {
  readonly root: string;
  readonly path: string;
}

/**
 * Finds a cascade typed on the command line: under the root, else from the working folder. Without
 * `--cascades` a file outside the working folder has its own folder as the root.
 */
export function placeCascade(typed: string, options: Pick<CliOptions, 'cascades'>): CascadePlace {
  const root = cascadeRoot(options);
  if (!isAbsolute(typed) && existsSync(join(root, typed))) {
    const path = within(root, resolve(root, typed));
    if (path !== undefined) return { root, path };
  }
  const file = resolve(typed);
  const path = existsSync(file) ? within(root, file) : undefined;
  if (path !== undefined) return { root, path };
  if (options.cascades === undefined && existsSync(file)) {
    return { root: dirname(file), path: relative(dirname(file), file) };
  }
  return { root, path: typed };
}

function within(root: string, file: string): string | undefined {
  const path = relative(resolve(root), file);
  return path === '..' || path.startsWith(`..${sep}`) || isAbsolute(path)
    ? undefined
    : path.split(sep).join('/');
}
