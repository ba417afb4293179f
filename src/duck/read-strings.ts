/** Converts VARCHAR vectors to JavaScript strings. Reading a result spends almost all its time here. */

import type { DuckDBVector } from '@duckdb/node-api';
import { bytesAtString, bytesOf, validityBytes } from './vector-access.ts';

/** A string of at most this many bytes is in its 16-byte item. The item of a longer string holds a pointer. */
const INLINE_BYTES = 12;

/**
 * Decodes a VARCHAR vector. Most long strings follow one another in memory. One native call fetches each unbroken
 * sequence of them, which is three times as fast as one call per string.
 */
export function readStrings(vector: DuckDBVector): (string | null)[] {
  const count = vector.itemCount;
  const view = bytesOf(vector);
  const words = new Uint32Array(view.buffer, view.byteOffset, count * 4);
  const inline = Buffer.from(view.buffer, view.byteOffset, count * 16);
  const valid = validityBytes(vector);
  const strings = new Array<string | null>(count);

  // The current sequence: the strings from row `start` on, whose bytes fill the memory from `address` to `end`.
  let start = -1;
  let address = 0;
  let end = 0;
  const decodeRun = (until: number) => {
    if (start < 0) return;
    const bytes = bytesAtString(vector, start, end - address);
    let offset = 0;
    for (let row = start; row < until; row += 1) {
      const length = words[row * 4]!;
      if (strings[row] !== undefined || length <= INLINE_BYTES) continue;
      strings[row] = bytes.toString('utf8', offset, offset + length);
      offset += length;
    }
    start = -1;
  };

  for (let row = 0; row < count; row += 1) {
    if (valid !== undefined && (valid[row >> 3]! & (1 << (row & 7))) === 0) {
      strings[row] = null;
      continue;
    }
    const length = words[row * 4]!;
    if (length <= INLINE_BYTES) {
      strings[row] = inline.toString('utf8', row * 16 + 4, row * 16 + 4 + length);
      continue;
    }
    // Addresses are below 2^53 on every platform that Node runs on.
    const at = words[row * 4 + 2]! + words[row * 4 + 3]! * 4_294_967_296;
    if (start < 0 || at !== end) {
      decodeRun(row);
      start = row;
      address = at;
    }
    end = at + length;
  }
  decodeRun(count);
  return strings;
}
