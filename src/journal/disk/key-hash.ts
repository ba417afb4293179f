/** 64-bit hashes of call keys and of attempts' names. Key indexes and tables hold hashes instead of the texts. */
import { hash } from 'node:crypto';

/**
 * A 64-bit hash as two unsigned halves. If two keys have the same hash, one stored answer is not found. A wrong answer
 * is never returned, because the record holds the whole key and the key is compared.
 */
export interface KeyHash {
  readonly high: number;
  readonly low: number;
}

/**
 * Returns the hash of a call key: its first 16 digits, because a key is part of a SHA-256 in hex digits. A text that is
 * not a call key has a hash too. Key indexes on disk hold these hashes: another function needs another index version.
 */
export function hashKey(key: string): KeyHash {
  return {
    high: Number.parseInt(key.slice(0, 8), 16) >>> 0,
    low: Number.parseInt(key.slice(8, 16), 16) >>> 0,
  };
}

/** Returns the hash of an attempt's name: the first 64 bits of its SHA-256. */
export function hashAttempt(attempt: string): KeyHash {
  return hashKey(hash('sha256', attempt));
}

/** Returns 53 bits of a hash as one number. For uses in which two equal numbers do little harm. */
export function hashNumber({ high, low }: KeyHash): number {
  return high * 0x20_0000 + (low >>> 11);
}
