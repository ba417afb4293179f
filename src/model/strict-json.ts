/** Repairs JSON with small mistakes, token by token. A mistake with more than one possible meaning is not repaired. */
import { stringEnd } from './json-depth.ts';

const SPACE = /\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\//y;
/** A bracket, comma or colon, or a number, literal or name. */
const TOKEN = /[[\]{},:]|[\w$.+-]+/y;
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const NAME = /^[A-Za-z_$][\w$]*$/;
const LITERALS: ReadonlyMap<string, string> = new Map([
  ['true', 'true'],
  ['false', 'false'],
  ['null', 'null'],
  ['True', 'true'],
  ['False', 'false'],
  ['None', 'null'],
]);
/** Matches an escape that JSON knows, an escaped single quote, or a character that JSON must escape. */
const ESCAPED = /\\(?:["'\\/bfnrt]|u[\da-fA-F]{4})|[\\"\b\f\n\r\t]/g;

type Expected = 'value' | 'key' | 'colon' | 'comma';

/**
 * Rewrites a bracketed text with small mistakes as strict JSON. It repairs single quotes, keys without quotes,
 * trailing commas, comments, line breaks in strings, and Python's `True`, `False` and `None`. Returns undefined if a
 * repair would be a guess: bare words as values, `...`, missing commas, numbers like `1,299` or `007`, and unknown
 * escapes.
 */
export function strictJson(text: string): string | undefined {
  const open: string[] = [];
  const written: string[] = [];
  let expected: Expected = 'value';
  for (let at = 0; at < text.length; ) {
    const space = match(SPACE, text, at);
    if (space !== '') {
      at += space.length;
      continue;
    }
    const token = /["']/.test(text[at]!)
      ? text.slice(at, stringEnd(text, at) + 1)
      : match(TOKEN, text, at);
    let next: Expected | undefined;
    let json: string | undefined = token;
    if (token === '{' || token === '[') {
      if (expected === 'value') next = token === '{' ? 'key' : 'value';
      open.push(token);
    } else if (token === '}' || token === ']') {
      if (mayClose(token, expected, open.pop())) next = 'comma';
      if (written.at(-1) === ',') written.pop();
    } else if (token === ',') {
      if (expected === 'comma') next = open.at(-1) === '{' ? 'key' : 'value';
    } else if (token === ':') {
      if (expected === 'colon') next = 'value';
    } else if (expected === 'value') {
      json = strictText(token) ?? LITERALS.get(token) ?? (NUMBER.test(token) ? token : undefined);
      next = 'comma';
    } else if (expected === 'key') {
      json = strictText(token) ?? (NAME.test(token) ? `"${token}"` : undefined);
      next = 'colon';
    }
    if (next === undefined || json === undefined) return undefined;
    written.push(json);
    at += token.length;
    if (open.length === 0) return at === text.length ? written.join('') : undefined;
    expected = next;
  }
  return undefined;
}

/** True if `closer` matches `opener` and stands after an item, after the opening bracket or after a trailing comma. */
function mayClose(closer: string, expected: Expected, opener: string | undefined): boolean {
  if (opener !== (closer === '}' ? '{' : '[')) return false;
  if (expected === 'comma' || expected === 'key') return true;
  // `{"a": }` misses a value; `[1, ]` and `[ ]` do not.
  return expected === 'value' && opener === '[';
}

/** Returns a quoted string as JSON. Undefined without quotes, or if JSON does not know an escape: `C:\Users`, `\d+`. */
function strictText(token: string): string | undefined {
  if (!/^["']/.test(token)) return undefined;
  let isSure = true;
  const inner = token.slice(1, -1).replace(ESCAPED, (part) => {
    if (part === '\\') isSure = false;
    if (part === "\\'") return "'";
    return part.length > 1 ? part : JSON.stringify(part).slice(1, -1);
  });
  return isSure ? `"${inner}"` : undefined;
}

function match(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? '';
}
