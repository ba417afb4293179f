/** Hashes and seeded randomness. All decisions of the server depend only on a seed and a content. */
import { hash } from 'node:crypto';
import { canonicalText } from './json.ts';

/** Returns numbers from 0 up to, but not including, 1. The same seed gives the same sequence. */
export type Random = () => number;

/** Returns 128 bits of SHA-256 as 32 hexadecimal digits. */
export function hashText(text: string): string {
  return hash('sha256', text, 'hex').slice(0, 32);
}

/**
 * Returns the content hash of a call, as it stands in the ledger. `path` is that of the endpoint, e.g. `/embeddings`.
 * The order of the body's keys does not matter, but every value does.
 */
export function contentHash(path: string, body: unknown): string {
  return hashText(`${path}\n${canonicalText(body)}`);
}

/** Mixes a hash and whole numbers (a seed, an attempt, a purpose) into one 32-bit seed. */
export function mixSeed(hashHex: string, ...numbers: readonly number[]): number {
  let mixed = Number.parseInt(hashHex.slice(0, 8), 16) | 0;
  for (const number of numbers) mixed = finalize(Math.imul(mixed ^ number, 0x9e3779b1) + number);
  return finalize(mixed) >>> 0;
}

/** The finalizer of MurmurHash3: every input bit affects every output bit. */
function finalize(value: number): number {
  let bits = value | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}

/** Makes a generator of random numbers (mulberry32). */
export function createRandom(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Draws a number of the standard normal distribution (Box–Muller). */
export function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
