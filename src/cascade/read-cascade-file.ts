/** Reads the file of a cascade by its name, which may lack the suffix. */
import { RvbbitError } from '../errors.ts';
import { filesNamed } from './find-cascades.ts';
import { canonicalName, showName } from './resolve-path.ts';
import type { RootFiles } from './root-files.ts';

/** A cascade's file under its root, with its suffix, and its bytes. */
export interface CascadeBytes {
  readonly file: string;
  readonly bytes: Buffer;
}

/**
 * Reads a cascade's file under the first root that has it. For a name without a suffix, it looks for `name.yaml` and
 * `name.yml`. Returns undefined if there is no file.
 *
 * Errors: RVB_PATH_DENIED; RVB_CASCADE_NOT_FOUND if a root has both.
 */
export async function readCascadeFile(
  files: RootFiles,
  name: string,
): Promise<CascadeBytes | undefined> {
  const canonical = canonicalName(name);
  for (const root of files.roots) {
    const found: CascadeBytes[] = [];
    for (const file of filesNamed(canonical)) {
      const bytes = await files.readIn(root, file);
      if (bytes !== undefined) found.push({ file, bytes });
    }
    const [first, second] = found;
    if (second !== undefined) throw fitsTwo(canonical, first!, second);
    if (first !== undefined) return first;
  }
  return undefined;
}

function fitsTwo(canonical: string, first: CascadeBytes, second: CascadeBytes): RvbbitError {
  const both = `'${showName(first.file)}' and '${showName(second.file)}'`;
  return new RvbbitError(
    'RVB_CASCADE_NOT_FOUND',
    `'${showName(canonical)}' fits two cascades, ${both}; write the suffix`,
    { stage: 'cascade' },
  );
}
