/** Parses JSON so that long numbers, which `JSON.parse` rounds, keep all their digits. */
import { randomBytes } from 'node:crypto';
import type { Json } from '../util/json.ts';

/** The prefix of the digits of a number that is kept as a text. It is random, so that nobody can forge it. */
const MARK = `\u{e000}${randomBytes(6).toString('hex')}:`;
/** Matches a text, or a number with more digits than a double is sure to hold. */
const LONG_NUMBERS = /"(?:[^"\\]|\\.)*"|-?\d[\d.]{15,}(?:[eE][+-]?\d+)?|-?\d[\d.]*[eE][+-]?\d{3,}/g;
const MAY_HAVE_LONG = /\d[\d.]{15}|[eE][+-]?\d{3}/;
/** Matches the first characters of JSON. This test is faster than an error that `JSON.parse` throws. */
const MAY_BE_JSON = /^\s*["[{\-\dtfn]/;
const MARKED = new RegExp(`"${MARK}(-?\\d[\\d.]*(?:[eE][+-]?\\d+)?)"`, 'g');

/**
 * Returns the value of JSON; undefined for other text. Long numbers become marked texts, except those that are written
 * as JavaScript writes them, because they may have been rounded before.
 */
export function parseExactly(text: string): Json | undefined {
  if (!MAY_BE_JSON.test(text)) return undefined;
  try {
    const value = JSON.parse(text) as Json;
    if (!MAY_HAVE_LONG.test(text)) return value;
    const exact = text.replace(LONG_NUMBERS, (found) =>
      found.startsWith('"') || String(Number(found)) === found ? found : `"${MARK}${found}"`,
    );
    return exact === text ? value : (JSON.parse(exact) as Json);
  } catch {
    return undefined;
  }
}

/** Returns the digits of a marked number, and any other value as it is. */
export function figuresOf(value: Json): Json {
  return typeof value === 'string' && value.startsWith(MARK) ? value.slice(MARK.length) : value;
}

/** Returns the JSON text of a value, in which marked numbers are numbers again. */
export function exactText(value: Json): string {
  const text = JSON.stringify(value);
  return text.includes(MARK) ? text.replace(MARKED, '$1') : text;
}
