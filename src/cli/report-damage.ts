import { type Damage, damageError } from '../journal/disk/segment-reader.ts';
import { reportError } from './report.ts';

/** Tells of a place in the journal that cannot be read. */
export function reportDamage(damage: Damage): void {
  reportError(damageError(damage));
}
