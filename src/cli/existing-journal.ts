/** The journal that a command line names. */
import { realFileSystem } from '../journal/disk/file-system.ts';
import { journalFolder } from '../journal/disk/journal-folder.ts';
import { CliError } from './exit-codes.ts';
import type { CliOptions } from './options.ts';
import { STATE_DIR } from './session.ts';

/** Its folder, and the state folder that holds it. Throws a `CliError` if there is none. */
export function existingJournal({ stateDir = STATE_DIR }: CliOptions): {
  readonly stateDir: string;
  readonly folder: string;
} {
  const folder = journalFolder(stateDir);
  if (realFileSystem.facts(folder) === undefined) {
    throw new CliError(
      'open',
      `there is no journal in ${stateDir}`,
      '--state-dir names the folder that holds it; the first statement that asks a model makes it',
    );
  }
  return { stateDir, folder };
}
