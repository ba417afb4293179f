/** Files of this package, found from wherever its code runs: as compiled, or from one of its bundles. */
import { readFileSync } from 'node:fs';

const PACKAGE_NAME = 'rvbbit';

let root: URL | undefined;

/** A file or folder of the package; `path` is relative to its `package.json`. Throws where there is no such package. */
export function packageFile(path: string): URL {
  root ??= findRoot();
  return new URL(path, root);
}

function findRoot(): URL {
  for (let folder = new URL('.', import.meta.url); ; folder = new URL('..', folder)) {
    if (nameIn(folder) === PACKAGE_NAME) return folder;
    if (folder.pathname === new URL('..', folder).pathname) {
      throw new Error(
        `the files of the package ${PACKAGE_NAME} are not beside its code (${import.meta.url}): where an application is bundled, mark ${PACKAGE_NAME} as external`,
      );
    }
  }
}

/** The name of the package whose `package.json` is in the folder; undefined where there is none. */
function nameIn(folder: URL): unknown {
  try {
    const text = readFileSync(new URL('package.json', folder), 'utf8');
    return (JSON.parse(text) as { name?: unknown }).name;
  } catch {
    return undefined;
  }
}
