/** Parses JSON that may contain whole numbers beyond 2^53, which JavaScript would round. */

import { MESSAGE_VALUE_CHARS } from '../limits.ts';
import type { Json } from '../util/json.ts';

const STRING_OR_NUMBER = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g;

function isRounded(piece: string): boolean {
  return /^-?\d{16,}$/.test(piece) && !Number.isSafeInteger(Number(piece));
}

/** Parses JSON. A whole number beyond 2^53 is an error. */
export function parseExactJson(text: string): Json {
  const value = JSON.parse(text) as Json;
  for (const [piece] of /\d{16}/.test(text) ? text.matchAll(STRING_OR_NUMBER) : []) {
    if (!isRounded(piece)) continue;
    const shown = piece.slice(0, MESSAGE_VALUE_CHARS);
    throw new RangeError(
      `the number ${shown} is beyond 2^53, where numbers are rounded; leave it as text`,
    );
  }
  return value;
}

/** Parses JSON. A whole number beyond 2^53 becomes its text. */
export function parseJsonWithTexts(text: string): Json {
  const value = JSON.parse(text) as Json;
  if (!/\d{16}/.test(text)) return value;
  const exact = text.replace(STRING_OR_NUMBER, (piece) =>
    isRounded(piece) ? `"${piece}"` : piece,
  );
  return JSON.parse(exact) as Json;
}
