/** Makes text safe for a terminal: escapes the characters that could drive the terminal. */

const PLAIN = /^[\x20-\x7e]*$/;
// C0, DEL, C1 (0x9b starts a sequence on 8-bit terminals), line separators, bidirectional overrides, lone surrogates.
const UNSAFE = /[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]|\p{Cs}/gu;
const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function spelt(character: string): string {
  const short = SHORT[character];
  if (short !== undefined) return short;
  const code = character.charCodeAt(0);
  return code < 0x100
    ? `\\x${code.toString(16).padStart(2, '0')}`
    : `\\u${code.toString(16).padStart(4, '0')}`;
}

/** Returns the text on one line. Escapes the characters that move the cursor, colour, or turn the reading direction. */
export function visible(text: string): string {
  return PLAIN.test(text) ? text : text.replace(UNSAFE, spelt);
}

/** Does the same as `visible`, but keeps line breaks: for messages of several lines. */
export function visibleLines(text: string): string {
  return PLAIN.test(text) ? text : text.split(/\r?\n/).map(visible).join('\n');
}
