/** Hashes criteria. A criterion may be a row value, and the journal must not hold row values. */
import { createHash } from 'node:crypto';

/** Returns a 64-bit hash of the criterion, as hex digits. */
export function criterionHash(criterion: string): string {
  return createHash('sha256').update(criterion).digest('hex').slice(0, 16);
}
