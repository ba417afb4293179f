/** Tells JSON with small slips from prose, so that a repair has nothing to invent. */
import { stringEnd } from './json-depth.ts';

/** A word, number or literal, read in one go. */
const WORD = /[\w$.+-]+/y;
const SPACE = /\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\//y;
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const LITERAL = /^(?:true|false|null|True|False|None)$/;
/** A backslash that JSON gives no meaning: `C:\Users`, `\d+`. Dropped, it would change the text. */
const BAD_ESCAPE = /\\(?:[^"'\\/bfnrtu]|u(?![\da-fA-F]{4}))/;
const NAME = /^[A-Za-z_$][\w$]*$/;

type Expected = 'value' | 'key' | 'colon' | 'comma';

/**
 * True where a bracketed text is JSON but for quotes (single ones, none around a key), a comma too many,
 * comments, line breaks in a text, or Python's `True`, `False` and `None`. Bare words as values, `...`,
 * commas that are missing, numbers like `1,299` or `007` and unknown escapes are not: what they stand for would
 * be a guess.
 * What stands in quotes is added to `quoted`, quotes included.
 */
export function isNearlyJson(text: string, quoted: string[] = []): boolean {
  const open: string[] = [];
  let expected: Expected = 'value';
  let at = 0;
  while (at < text.length) {
    const space = match(SPACE, text, at);
    if (space !== '') {
      at += space.length;
      continue;
    }
    const char = text[at]!;
    let next: Expected | undefined;
    let length = 1;
    if (char === '{' || char === '[') {
      if (expected !== 'value') return false;
      open.push(char);
      next = char === '{' ? 'key' : 'value';
    } else if (char === '}' || char === ']') {
      next = mayClose(char, expected, open.pop()) ? 'comma' : undefined;
    } else if (char === ',') {
      if (expected === 'comma') next = open.at(-1) === '{' ? 'key' : 'value';
    } else if (char === ':') {
      if (expected === 'colon') next = 'value';
    } else {
      const isQuoted = char === '"' || char === "'";
      const word = isQuoted ? '' : match(WORD, text, at);
      length = isQuoted ? stringEnd(text, at) + 1 - at : word.length;
      if (isQuoted) {
        const raw = text.slice(at, at + length);
        if (hasBadEscape(raw)) return false;
        quoted.push(raw);
      }
      const isValue = isQuoted || NUMBER.test(word) || LITERAL.test(word);
      if (expected === 'value' && isValue) next = 'comma';
      if (expected === 'key' && (isQuoted || NAME.test(word))) next = 'colon';
    }
    if (next === undefined) return false;
    at += length;
    if (open.length === 0) return at === text.length;
    expected = next;
  }
  return false;
}

/** After an item, right after the opening, or after one comma too many. */
function mayClose(closer: string, expected: Expected, opener: string | undefined): boolean {
  if (opener !== (closer === '}' ? '{' : '[')) return false;
  if (expected === 'comma' || expected === 'key') return true;
  // `{"a": }` lost its value; `[1, ]` and `[ ]` did not.
  return expected === 'value' && opener === '[';
}

/** The text that a quoted one stands for. */
export function unquote(quoted: string): string {
  const escaped = quoted
    .slice(1, -1)
    .replace(/\\[\s\S]|["\u0000-\u001f]/g, (part) =>
      part === "\\'" ? "'" : part.length > 1 ? part : JSON.stringify(part).slice(1, -1),
    );
  return JSON.parse(`"${escaped}"`) as string;
}

function hasBadEscape(quoted: string): boolean {
  return quoted.includes('\\') && BAD_ESCAPE.test(quoted.replaceAll('\\\\', ''));
}

function match(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? '';
}
