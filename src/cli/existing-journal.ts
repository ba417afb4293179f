/** Finds the journal that a command line names. */
import { existsSync } from 'node:fs';
import { realFileSystem } from '../journal/disk/file-system.ts';
import { journalFolder } from '../journal/disk/journal-folder.ts';
import { refuseOtherVersion } from '../journal/disk/other-version.ts';
import { CliError } from './exit-codes.ts';
import type { CliOptions } from './options.ts';
import { STATE_DIR } from './session.ts';

/**
 * Returns the journal's folder, and the state folder that holds it. Throws a `CliError` if there is no journal, and
 * RVB_UNSUPPORTED if the journal has another version.
 */
export function existingJournal({ stateDir = STATE_DIR }: CliOptions): {
  readonly stateDir: string;
  readonly folder: string;
} {
  const folder = journalFolder(stateDir);
  if (!existsSync(folder)) {
    throw new CliError(
      'open',
      `there is no journal in ${stateDir}`,
      '--state-dir names the folder that holds it; the first statement that runs a cascade makes it',
    );
  }
  refuseOtherVersion(realFileSystem, folder);
  return { stateDir, folder };
}
