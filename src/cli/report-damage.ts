import { damageError, type JournalDamage } from '../journal/disk/segment-reader.ts';
import { reportError } from './report.ts';

/** Prints the error of a line, key index or archive of the journal that cannot be used. */
export function reportDamage(damage: JournalDamage): void {
  reportError(damageError(damage));
}
