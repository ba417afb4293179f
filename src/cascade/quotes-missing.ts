/** Two mistakes of those new to YAML, seen where its parser fails: both are texts that need quotes. */

/** One such text: the offset at which it begins, and what to do. */
export interface QuotesMissing {
  readonly offset: number;
  readonly message: string;
}

/** A value that begins with a template, which is a mapping to YAML; `offset` is on its line. */
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

/** A text with a colon and a blank in it, which end a key in YAML; `offset` is where the text begins. */
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
