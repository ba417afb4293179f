import { closingQuote, dollarDelimiter } from './quotes.ts';

/** The kinds of lexeme. An operator lexeme is one character, except `=>`, `:=` and a parameter such as `$1`. */
export const Kind = {
  End: 0,
  Word: 1,
  QuotedName: 2,
  String: 3,
  Number: 4,
  Semicolon: 5,
  Open: 6,
  Close: 7,
  Comma: 8,
  Dot: 9,
  Equals: 10,
  Minus: 11,
  Operator: 12,
  Nul: 13,
} as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

/** The kind of quote or comment inside which the source ended. */
export type Unterminated = 'string' | 'name' | 'dollar string' | 'comment';

/** The output of `scan`. Each call overwrites it, so that a long script allocates nothing. */
export interface Lexeme {
  kind: Kind;
  start: number;
  end: number;
  /** Set if the source ended inside the lexeme, which then reaches to the end. */
  unterminated: Unterminated | undefined;
}

/** Returns a fresh lexeme for `scan` to write to. */
export function createLexeme(): Lexeme {
  return { kind: Kind.End, start: 0, end: 0, unterminated: undefined };
}

const SPACE = 1;
const WORD_START = 2;
const DIGIT = 3;
const OTHER = 4;

const CLASS = new Uint8Array(128).fill(OTHER);
for (const space of ' \t\n\r\f\v') CLASS[space.charCodeAt(0)] = SPACE;
for (let code = 0; code < 128; code++) {
  const character = String.fromCharCode(code);
  if (/[a-zA-Z_]/.test(character)) CLASS[code] = WORD_START;
  if (/[0-9]/.test(character)) CLASS[code] = DIGIT;
}

const SINGLE: Readonly<Record<string, Kind>> = {
  ';': Kind.Semicolon,
  '(': Kind.Open,
  '[': Kind.Open,
  '{': Kind.Open,
  ')': Kind.Close,
  ']': Kind.Close,
  '}': Kind.Close,
  ',': Kind.Comma,
  '.': Kind.Dot,
  '=': Kind.Equals,
  '-': Kind.Minus,
  '\0': Kind.Nul,
};

/** True for a character outside ASCII that DuckDB reads as white space. All others outside ASCII belong to words. */
function isUnicodeSpace(code: number): boolean {
  return (
    code === 0xa0 ||
    (code >= 0x2000 && code <= 0x200b) ||
    code === 0x202f ||
    code === 0x205f ||
    code === 0x2060 ||
    code === 0x3000 ||
    code === 0xfeff
  );
}

/** True if DuckDB reads the UTF-16 unit as white space. */
export function isSpace(code: number): boolean {
  return code < 128 ? CLASS[code] === SPACE : isUnicodeSpace(code);
}

/** True if a `--` comment ends at the UTF-16 unit. */
export function isLineBreak(code: number): boolean {
  return code === 10 || code === 13;
}

function isWordStart(code: number): boolean {
  return code < 128 ? CLASS[code] === WORD_START : !isUnicodeSpace(code);
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

/** Returns the end of the word characters from `at` on. `$` may stand inside a word. */
function wordEnd(source: string, at: number, end: number): number {
  while (at < end) {
    const code = source.charCodeAt(at);
    if (!isWordStart(code) && !isDigit(code) && code !== 36) break;
    at++;
  }
  return at;
}

function digitsEnd(source: string, at: number, end: number): number {
  while (at < end && (isDigit(source.charCodeAt(at)) || source[at] === '_')) at++;
  return at;
}

function numberEnd(source: string, at: number, end: number): number {
  at = digitsEnd(source, at, end);
  if (source[at] === '.' && at < end) at = digitsEnd(source, at + 1, end);
  if (at < end && (source[at] === 'e' || source[at] === 'E')) {
    const sign = source[at + 1] === '+' || source[at + 1] === '-' ? 2 : 1;
    if (at + sign < end && isDigit(source.charCodeAt(at + sign))) {
      return digitsEnd(source, at + sign, end);
    }
  }
  return at;
}

/** Returns the end of the `--` comment at `at`: the offset of its line feed or carriage return, or `end`. */
function lineCommentEnd(source: string, at: number, end: number): number {
  while (at < end && !isLineBreak(source.charCodeAt(at))) at++;
  return at;
}

/** Returns the end of a `--` comment if the rest of the line from `at` on holds nothing else; otherwise `at`. */
export function restOfLineCommentEnd(source: string, at: number): number {
  let start = at;
  while (
    start < source.length &&
    !isLineBreak(source.charCodeAt(start)) &&
    isSpace(source.charCodeAt(start))
  )
    start++;
  return source.startsWith('--', start) ? lineCommentEnd(source, start, source.length) : at;
}

/** Returns the offset after a block comment, which may hold other block comments; -1 if it is not closed. */
function blockCommentEnd(source: string, at: number, end: number): number {
  let depth = 0;
  while (at + 1 < end) {
    if (source[at] === '/' && source[at + 1] === '*') {
      depth++;
      at += 2;
    } else if (source[at] === '*' && source[at + 1] === '/') {
      depth--;
      at += 2;
      if (depth === 0) return at;
    } else {
      at++;
    }
  }
  return -1;
}

/**
 * Skips white space and comments.
 * @returns the offset of the first other character; `end` if there is none; `-1 - offset` if the comment at `offset`
 * is not closed.
 */
export function skipTrivia(
  source: string,
  at: number,
  end: number,
  onLineComment?: (start: number, end: number) => void,
): number {
  while (at < end) {
    const code = source.charCodeAt(at);
    if (isSpace(code)) {
      at++;
    } else if (code === 45 && at + 1 < end && source[at + 1] === '-') {
      const stop = lineCommentEnd(source, at, end);
      onLineComment?.(at, stop);
      at = stop;
    } else if (code === 47 && at + 1 < end && source[at + 1] === '*') {
      const stop = blockCommentEnd(source, at, end);
      if (stop < 0) return -1 - at;
      at = stop;
    } else {
      return at;
    }
  }
  return end;
}

function put(into: Lexeme, kind: Kind, start: number, end: number): void {
  into.kind = kind;
  into.start = start;
  into.end = end;
  into.unterminated = undefined;
}

function putQuoted(
  into: Lexeme,
  kind: Kind,
  [start, close, end]: readonly [start: number, close: number, end: number],
  unterminated: Unterminated,
): void {
  put(into, kind, start, close < 0 ? end : close);
  if (close < 0) into.unterminated = unterminated;
}

/**
 * Reads the lexeme at or after `from` by DuckDB's lexical rules, and writes it to `into`. Skips the white space and
 * comments before the lexeme. Never throws; reads nothing at or past `end`.
 */
export function scan(source: string, from: number, end: number, into: Lexeme): void {
  const at = skipTrivia(source, from, end);
  if (at < 0) {
    putQuoted(into, Kind.End, [-1 - at, -1, end], 'comment');
    return;
  }
  if (at >= end) {
    put(into, Kind.End, end, end);
    return;
  }
  const code = source.charCodeAt(at);
  const kind = code < 128 ? CLASS[code] : WORD_START;
  if (kind === WORD_START) {
    if ((code === 69 || code === 101) && at + 1 < end && source[at + 1] === "'") {
      putQuoted(into, Kind.String, [at, closingQuote(source, at + 1, end, true), end], 'string');
    } else {
      put(into, Kind.Word, at, wordEnd(source, at, end));
    }
  } else if (kind === DIGIT) {
    put(into, Kind.Number, at, numberEnd(source, at, end));
  } else {
    scanPunctuation(source, at, end, into);
  }
}

function scanPunctuation(source: string, at: number, end: number, into: Lexeme): void {
  const character = source[at] as string;
  const next = at + 1 < end ? source[at + 1] : '';
  if (character === "'") {
    putQuoted(into, Kind.String, [at, closingQuote(source, at, end, false), end], 'string');
  } else if (character === '"') {
    putQuoted(into, Kind.QuotedName, [at, closingQuote(source, at, end, false), end], 'name');
  } else if (character === '.' && next !== '' && isDigit(source.charCodeAt(at + 1))) {
    put(into, Kind.Number, at, numberEnd(source, at, end));
  } else if (character === '$') {
    const delimiter = dollarDelimiter(source, at, end);
    if (delimiter === undefined) {
      put(into, Kind.Operator, at, Math.max(at + 1, digitsEnd(source, at + 1, end)));
      return;
    }
    const close = source.indexOf(delimiter, at + delimiter.length);
    const stop = close < 0 || close + delimiter.length > end ? -1 : close + delimiter.length;
    putQuoted(into, Kind.String, [at, stop, end], 'dollar string');
  } else if ((character === '=' && next === '>') || (character === ':' && next === '=')) {
    put(into, Kind.Operator, at, at + 2);
  } else {
    put(into, SINGLE[character] ?? Kind.Operator, at, at + 1);
  }
}
