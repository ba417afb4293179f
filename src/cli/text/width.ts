/** Measures text in terminal cells, and fits it to a width. */

import { graphemes, graphemeWidth } from '../../util/graphemes.ts';

const PLAIN = /^[\x20-\x7e]*$/;

/** Returns the cells that a text takes: two for East Asian wide characters and emoji, none for combining marks. */
export function displayWidth(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes(text)) width += graphemeWidth(segment);
  return width;
}

/** Returns the text if it fits into `width` cells, else its beginning and an ellipsis. */
export function fitWidth(text: string, width: number): string {
  // A text of more code units than this counts as too wide without being measured in full.
  const head = text.length > 16 * width + 64 ? text.slice(0, 16 * width + 64) : text;
  if (head === text && displayWidth(text) <= width) return text;
  let kept = '';
  let used = 0;
  for (const { segment } of graphemes(head)) {
    const next = graphemeWidth(segment);
    if (used + next > width - 1) break;
    kept += segment;
    used += next;
  }
  return `${kept}…`;
}

/** Returns the text, padded with blanks to `width` cells. */
export function padWidth(text: string, width: number, align: 'left' | 'right' | 'center'): string {
  const missing = Math.max(0, width - displayWidth(text));
  if (align === 'left') return text + ' '.repeat(missing);
  if (align === 'right') return ' '.repeat(missing) + text;
  const before = missing >> 1;
  return ' '.repeat(before) + text + ' '.repeat(missing - before);
}
