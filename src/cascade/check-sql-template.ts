/** Checks query templates when a file is loaded, with the same lexemes that DuckDB will read. */
import { createLexeme, isSpace, Kind, type Lexeme, scan } from '../../grammar/scan.ts';
import { MESSAGE_VALUE_CHARS } from '../limits.ts';
import { type Segment, scanTemplate } from './jinja-scan.ts';
import { compileSqlTemplate } from './sql-template.ts';
import { checkTemplate } from './template.ts';

/** A problem in a query template. */
export interface SqlTemplateProblem {
  readonly code: 'RVB_TEMPLATE_QUOTED' | 'RVB_TEMPLATE';
  readonly message: string;
  /** 1-based line within the query. */
  readonly line: number;
}

interface Fault {
  readonly offset: number;
  readonly message: string;
  readonly code?: 'RVB_TEMPLATE_QUOTED';
}

const TAGS = new Set('if elif else endif for endfor set with endwith break continue'.split(' '));

/** Checks a query template without rendering it. Returns the first problem, undefined if there is none. */
export function checkSqlTemplate(source: string): SqlTemplateProblem | undefined {
  const segments = scanTemplate(source);
  const lexemes = readLexemes(segments);
  const [first] = [
    faultOfSegments(source, segments, lexemes),
    faultOfBlanks(source, segments, lexemes),
    faultOfText(source, lexemes),
  ]
    .filter((fault) => fault !== undefined)
    .sort((left, right) => left.offset - right.offset);
  if (first !== undefined) {
    const { offset, message, code = 'RVB_TEMPLATE' } = first;
    return { code, message, line: source.slice(0, offset).split('\n').length };
  }
  const syntax = checkTemplate(compileSqlTemplate(source, 'map').source) ?? checkTemplate(source);
  return syntax === undefined ? undefined : { code: 'RVB_TEMPLATE', message: syntax, line: 1 };
}

/**
 * Returns the lexemes of a query in which each placeholder, tag and comment is replaced by a word of the same length,
 * with a blank on each side. A Unicode blank is replaced by a letter; outside quotes and comments, it is then part of a
 * word.
 */
function readLexemes(segments: readonly Segment[]): readonly Lexeme[] {
  const query = segments
    .map(({ kind, start, end, body }) =>
      kind === 'text' ? body.replace(UNICODE, blankAsLetter) : wordOf(end - start),
    )
    .join('');
  const lexemes: Lexeme[] = [];
  for (let at = 0; ; ) {
    const lexeme = createLexeme();
    scan(query, at, query.length, lexeme);
    lexemes.push(lexeme);
    if (lexeme.kind === Kind.End) return lexemes;
    at = lexeme.end;
  }
}

const UNICODE = /[^\0-\x7f]/g;

function blankAsLetter(char: string): string {
  return isSpace(char.charCodeAt(0)) ? 'x' : char;
}

/** A placeholder of fewer than four characters is not closed, which Jinja reports. */
function wordOf(length: number): string {
  return length < 4 ? 'x'.repeat(length) : ` ${'x'.repeat(length - 2)} `;
}

function faultOfSegments(
  source: string,
  segments: readonly Segment[],
  lexemes: readonly Lexeme[],
): Fault | undefined {
  for (const { kind, body, start, end } of segments) {
    if (kind === 'text') continue;
    const fault = (message: string): Fault => ({ offset: start, message });
    const shown = source.slice(start, Math.min(end, start + MESSAGE_VALUE_CHARS));
    const index = lexemeAt(lexemes, start + 1);
    const quote = quoteAround(source, lexemes[index]!, start + 1);
    if (quote !== undefined) {
      const advice =
        quote === 'comment'
          ? 'take it out of the comment'
          : 'remove the quotes: values are bound, and a name is {{ … | ident }}';
      const message = `${shown} stands inside a ${quote}; ${advice}`;
      return { ...fault(message), code: 'RVB_TEMPLATE_QUOTED' };
    }
    if (kind === 'raw') return fault('{% raw %} is not available in a query');
    if (kind === 'tag' && !isAllowedTag(body)) {
      return fault(`{%${body}%} is not available in a query: its text would not be bound`);
    }
    const [before, after] = [lexemes[index - 1], lexemes[index + 1]];
    const isGluedBefore = isWord(before) && before?.end === start;
    const isGluedAfter = isWord(after) && after?.start === end;
    if (kind === 'value' ? isGluedBefore || isGluedAfter : isGluedBefore && isGluedAfter) {
      return fault(`${shown} is glued to a word; a name is built by {{ (… ~ …) | ident }}`);
    }
  }
  return undefined;
}

/**
 * Finds Unicode blanks outside quotes. DuckDB replaces them by plain blanks in a separate pass, which does not know
 * `E'…'` and block comments, so its result depends on all the text before the blank.
 */
function faultOfBlanks(
  source: string,
  segments: readonly Segment[],
  lexemes: readonly Lexeme[],
): Fault | undefined {
  for (const { kind, body, start } of segments) {
    for (const { 0: char, index } of kind === 'text' ? body.matchAll(UNICODE) : []) {
      const offset = start + index;
      if (!isSpace(char.charCodeAt(0))) continue;
      if (quoteAround(source, lexemes[lexemeAt(lexemes, offset)]!, offset) !== undefined) continue;
      const code = char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
      return { offset, message: `the blank U+${code} outside quotes; write a plain space` };
    }
  }
  return undefined;
}

/** Finds text that is not closed, and parameters, which would be confused with the bound ones. */
function faultOfText(source: string, lexemes: readonly Lexeme[]): Fault | undefined {
  for (const [i, { kind, start, end, unterminated }] of lexemes.entries()) {
    if (unterminated !== undefined) {
      return { offset: source.length, message: `a ${unterminated} is not closed` };
    }
    if (kind !== Kind.Operator) continue;
    const next = lexemes[i + 1];
    const isNamed = next?.kind === Kind.Word && next.start === end;
    const text = source.slice(start, isNamed ? next.end : end);
    const beginsValue = /[=(,<>]/.test(source[(lexemes[i - 1]?.end ?? 0) - 1] ?? '');
    if (!/^[$?]/.test(text) && !(beginsValue && /^:\w/.test(text))) continue;
    const shown = text.slice(0, MESSAGE_VALUE_CHARS);
    const message = `the parameter ${shown} in the query text; write {{ expression }}, which is bound`;
    return { offset: start, message };
  }
  return undefined;
}

/** Returns the index of the first lexeme that ends after an offset. */
function lexemeAt(lexemes: readonly Lexeme[], offset: number): number {
  let [low, high] = [0, lexemes.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (lexemes[middle]!.end > offset) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Returns the kind of quote or comment around an offset. The given lexeme is the first that ends after the offset. */
function quoteAround(
  source: string,
  { kind, start }: Lexeme,
  offset: number,
): 'comment' | 'quoted name' | 'string' | 'dollar-quoted string' | undefined {
  if (start > offset || kind === Kind.End) return 'comment';
  if (kind === Kind.QuotedName) return 'quoted name';
  if (kind !== Kind.String) return undefined;
  if (source[start] !== '$') return 'string';
  return offset <= source.indexOf('$', start + 1) ? undefined : 'dollar-quoted string';
}

function isAllowedTag(body: string): boolean {
  const word = /^\s*(\w+)/.exec(body)?.[1] ?? '';
  const isBlockSet = word === 'set' && !body.includes('=');
  return TAGS.has(word) && !isBlockSet && !/\brecursive\b/.test(body);
}

function isWord(lexeme: Lexeme | undefined): boolean {
  return lexeme?.kind === Kind.Word || lexeme?.kind === Kind.Number;
}
