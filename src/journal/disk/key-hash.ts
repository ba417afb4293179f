/**
 * A 64-bit hash of a call's key, as two unsigned halves. Two keys that share one cost a bought answer,
 * never a wrong one: the key stands in the record and is compared.
 */
export interface KeyHash {
  readonly high: number;
  readonly low: number;
}

/** The hash of a key. The key index on disk holds it: another function needs another index version. */
export function hashKey(key: string): KeyHash {
  let high = 0x9747b28c;
  let low = 0x3c6ef372;
  for (let at = 0; at < key.length; at += 1) {
    const unit = key.charCodeAt(at);
    high = Math.imul(high ^ unit, 0x85ebca6b);
    high = (high << 13) | (high >>> 19);
    low = Math.imul(low ^ unit, 0xc2b2ae35);
    low = (low << 17) | (low >>> 15);
  }
  high ^= Math.imul(low ^ key.length, 0x27d4eb2f);
  low ^= Math.imul(high, 0x165667b1);
  return { high: mix(high), low: mix(low ^ key.length) };
}

/** 53 bits of a hash as one number, where a mistaken one does little harm. */
export function hashNumber({ high, low }: KeyHash): number {
  return high * 0x20_0000 + (low >>> 11);
}

/** Spreads every bit over all of them. */
function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
