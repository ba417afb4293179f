import { join } from 'node:path';

/** The journal's folder in a state folder. */
export function journalFolder(stateDir: string): string {
  return join(stateDir, 'journal');
}
