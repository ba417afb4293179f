import { type ArchiveDamage, type Damage, damageError } from '../journal/disk/segment-reader.ts';
import { reportError } from './report.ts';

/** Tells of a place in the journal, or an archive of it, that cannot be read. */
export function reportDamage(damage: Damage | ArchiveDamage): void {
  reportError(damageError(damage));
}
