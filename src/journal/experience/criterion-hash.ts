/** What a criterion is remembered by: it may be a value of a row, which a journal is not to hold. */
import { createHash } from 'node:crypto';

/** 64 bits, in hex. */
export function criterionHash(criterion: string): string {
  return createHash('sha256').update(criterion).digest('hex').slice(0, 16);
}
