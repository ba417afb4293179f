/** The journal that a command line names. */
import { existsSync } from 'node:fs';
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
  if (!existsSync(folder)) {
    throw new CliError(
      'open',
      `there is no journal in ${stateDir}`,
      '--state-dir names the folder that holds it; the first statement that runs a cascade makes it',
    );
  }
  return { stateDir, folder };
}
