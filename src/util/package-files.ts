/** Finds files of this package from wherever its code runs: compiled, bundled, or within a bundled application. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { RvbbitError } from '../errors.ts';
import { codeFile } from './code-file.ts';

const PACKAGE_NAME = 'rvbbit';

let root: URL | undefined;

/** Returns the URL of a `path` relative to the package's `package.json`. Throws RVB_INSTALL if the package is not found. */
export function packageFile(path: string): URL {
  root ??= rootAround(codeFile()) ?? rootInstalledFor(codeFile());
  if (root === undefined) {
    throw new RvbbitError(
      'RVB_INSTALL',
      `the files of the package ${PACKAGE_NAME}, which hold the code of its worker threads, are not around ${codeFile()}, and no node_modules folder above it has them; an application that is bundled with ${PACKAGE_NAME} needs the package installed above its bundle, see docs/bundling.md`,
      { stage: 'open' },
    );
  }
  return new URL(path, root);
}

/** The folder above the file that is this package; undefined where none is. */
function rootAround(file: string): URL | undefined {
  for (let folder = new URL('.', file); ; folder = new URL('..', folder)) {
    if (nameIn(folder) === PACKAGE_NAME) return folder;
    if (folder.pathname === new URL('..', folder).pathname) return undefined;
  }
}

/** The package as it is installed for an application that the file is the bundle of. */
function rootInstalledFor(file: string): URL | undefined {
  try {
    return new URL('.', pathToFileURL(createRequire(file).resolve(`${PACKAGE_NAME}/package.json`)));
  } catch {
    return undefined;
  }
}

/** Returns the name of the package whose `package.json` is in the folder; undefined if there is none. */
function nameIn(folder: URL): unknown {
  try {
    const text = readFileSync(new URL('package.json', folder), 'utf8');
    return (JSON.parse(text) as { name?: unknown }).name;
  } catch {
    return undefined;
  }
}
