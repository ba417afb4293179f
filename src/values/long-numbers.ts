/** JSON whose long numbers keep all their figures, which `JSON.parse` rounds. */
import { randomBytes } from 'node:crypto';
import type { Json } from '../util/json.ts';

/** Stands before the figures of a number that was read as a text; no text begins so but by intent, which cannot know it. */
const MARK = `\u{e000}${randomBytes(6).toString('hex')}:`;
/** A text, or a number with more figures than a double surely holds. */
const LONG_NUMBERS = /"(?:[^"\\]|\\.)*"|-?\d[\d.]{15,}(?:[eE][+-]?\d+)?|-?\d[\d.]*[eE][+-]?\d{3,}/g;
const MAY_HAVE_LONG = /\d[\d.]{15}|[eE][+-]?\d{3}/;
/** What JSON begins with: to throw and catch takes longer than all else. */
const MAY_BE_JSON = /^\s*["[{\-\dtfn]/;
const MARKED = new RegExp(`"${MARK}(-?\\d[\\d.]*(?:[eE][+-]?\\d+)?)"`, 'g');

/**
 * The value; long numbers are marked texts, but for those that are written as JavaScript writes them: they may have been
 * rounded before. Undefined for what is no JSON.
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

/** The figures of a marked number; any other value as it is. */
export function figuresOf(value: Json): Json {
  return typeof value === 'string' && value.startsWith(MARK) ? value.slice(MARK.length) : value;
}

/** The text of a value in which marked numbers are numbers again. */
export function exactText(value: Json): string {
  const text = JSON.stringify(value);
  return text.includes(MARK) ? text.replace(MARKED, '$1') : text;
}
