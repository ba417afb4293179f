import { join } from 'node:path';

/** Returns the path of the journal's folder in a state folder. */
export function journalFolder(stateDir: string): string {
  return join(stateDir, 'journal');
}
