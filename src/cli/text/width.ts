/** How many terminal cells a text takes. */

const PLAIN = /^[\x20-\x7e]*$/;
const WIDE =
  /^[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18cff}\u{1aff0}-\u{1b2ff}\u{1f200}-\u{1f2ff}\u{20000}-\u{3fffd}]/u;
const EMOJI = /^\p{Emoji_Presentation}|\ufe0f/u;
const EMPTY = /^[\p{Mn}\p{Me}\p{Cf}]+$/u;

let segmenter: Intl.Segmenter | undefined;

function graphemes(text: string): Iterable<{ readonly segment: string }> {
  segmenter ??= new Intl.Segmenter(undefined, { granularity: 'grapheme' });
  return segmenter.segment(text);
}

function graphemeWidth(grapheme: string): number {
  if (EMPTY.test(grapheme)) return 0;
  return WIDE.test(grapheme) || EMOJI.test(grapheme) ? 2 : 1;
}

/** Cells that the text takes: two for East Asian wide characters and emoji, none for combining marks. */
export function displayWidth(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes(text)) width += graphemeWidth(segment);
  return width;
}

/** The text if it fits into `width` cells, else its beginning and an ellipsis. */
export function fitWidth(text: string, width: number): string {
  // A code unit takes at most two cells, so a longer text than this needs no full measuring.
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

/** The text filled up with blanks to `width` cells. */
export function padWidth(text: string, width: number, align: 'left' | 'right' | 'center'): string {
  const missing = Math.max(0, width - displayWidth(text));
  if (align === 'left') return text + ' '.repeat(missing);
  if (align === 'right') return ' '.repeat(missing) + text;
  const before = missing >> 1;
  return ' '.repeat(before) + text + ' '.repeat(missing - before);
}
