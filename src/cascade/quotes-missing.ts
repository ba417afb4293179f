/** Recognizes two mistakes of beginners in YAML where its parser fails. Both are texts that need quotes. */

/** A text that needs quotes: the offset at which it begins, and advice. */
export interface QuotesMissing {
  readonly offset: number;
  readonly message: string;
}

/** Finds a value that begins with a template, which YAML reads as a mapping. `offset` is on the value's line. */
export function unquotedTemplate(text: string, offset: number): QuotesMissing | undefined {
  const start = text.lastIndexOf('\n', offset - 1) + 1;
  const end = text.indexOf('\n', start);
  const line = text.slice(start, end < 0 ? undefined : end);
  for (const { 0: opener, index } of line.matchAll(/\{[{%#]/g)) {
    let before = index - 1;
    while (/\s/.test(line[before] ?? '')) before--;
    if (before >= 0 && !VALUE_FOLLOWS.has(line[before]!)) continue;
    const what = `a text that begins with ${opener} is no text to YAML`;
    return { offset: start + index, message: `${what}; put it in quotes, or under |` };
  }
  return undefined;
}

const VALUE_FOLLOWS = new Set([':', '-', ',', '[']);

/** Finds a text that contains a colon and a blank, which YAML reads as a key. `offset` is the start of the text. */
export function unquotedColon(text: string, offset: number): QuotesMissing | undefined {
  if (/["']/.test(text[offset] ?? '')) return undefined;
  const found = /:(?=\s)/.exec(text.slice(offset, offset + COLON_WITHIN));
  if (found === null) return undefined;
  const before = text.slice(offset, offset + found.index).split('\n');
  const key = before.at(-1)!.trim();
  const shown = key.length <= KEY_SHOWN ? key : `…${key.slice(-KEY_SHOWN)}`;
  const how = before.length === 1 ? '' : '. A key is indented like the one before it';
  const message = `"${shown}: " makes a key of a text; put the text in quotes, or under |${how}`;
  return { offset, message };
}

const COLON_WITHIN = 2_000;
const KEY_SHOWN = 40;
