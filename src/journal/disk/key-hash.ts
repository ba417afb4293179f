/** 64-bit hashes of call keys and of attempts' names: what key indexes and tables hold in place of the texts. */
import { hash } from 'node:crypto';

/**
 * 64 bits as two unsigned halves. Two keys that share one cost a bought answer, never a wrong one: the key stands
 * in the record and is compared.
 */
export interface KeyHash {
  readonly high: number;
  readonly low: number;
}

/**
 * The hash of a call's key: its first 16 digits, since a key is a SHA-256 in hex digits. A text that is no key has a
 * hash as well. The key index on disk holds it: another function needs another index version.
 */
export function hashKey(key: string): KeyHash {
  return {
    high: Number.parseInt(key.slice(0, 8), 16) >>> 0,
    low: Number.parseInt(key.slice(8, 16), 16) >>> 0,
  };
}

/** The hash of an attempt's name, by SHA-256. */
export function hashAttempt(attempt: string): KeyHash {
  return hashKey(hash('sha256', attempt));
}

/** 53 bits of a hash as one number, where a mistaken one does little harm. */
export function hashNumber({ high, low }: KeyHash): number {
  return high * 0x20_0000 + (low >>> 11);
}
