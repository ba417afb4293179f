import type { Span } from './ast.ts';
import { opensDialect } from './recognise.ts';
import {
  createLexeme,
  isSpace,
  Kind,
  restOfLineCommentEnd,
  scan,
  type Unterminated,
} from './scan.ts';

/** One statement of a script, not parsed yet. */
export interface StatementSlice {
  /** The statement without its semicolon and without white space around it. Comments are kept. */
  readonly text: string;
  /** The position of `text`. */
  readonly span: Span;
  /** The range from the first word to the last, without the comments before and after. */
  readonly significant: Span;
  /** True if the statement is dialect, well-formed or not. */
  readonly dialect: boolean;
  /** The quote or comment inside which the source ends, if there is one. */
  readonly unterminated?: { readonly what: Unterminated; readonly start: number };
}

/** The range of a statement while it is being read: the offsets of its first word and of the end of its last. */
interface Extent {
  first: number;
  last: number;
  unterminated: StatementSlice['unterminated'];
}

function trimmed(source: string, start: number, end: number): Span {
  while (start < end && isSpace(source.charCodeAt(start))) start++;
  while (end > start && isSpace(source.charCodeAt(end - 1))) end--;
  return { start, end };
}

function slice(source: string, start: number, end: number, extent: Extent): StatementSlice {
  const span = trimmed(source, start, end);
  const { first, last, unterminated } = extent;
  return Object.freeze({
    text: source.slice(span.start, span.end),
    span: Object.freeze(span),
    significant: Object.freeze({ start: first, end: last }),
    dialect: opensDialect(source, first, last),
    ...(unterminated === undefined ? {} : { unterminated: Object.freeze(unterminated) }),
  });
}

/**
 * Cuts a script at its semicolons, as DuckDB does. A piece that holds only white space and comments is no statement.
 * Needs no parser: a caller can load the parser when `dialect` of a slice is true.
 */
export function splitStatements(source: string): readonly StatementSlice[] {
  const slices: StatementSlice[] = [];
  const lexeme = createLexeme();
  let start = 0;
  let extent: Extent = { first: -1, last: -1, unterminated: undefined };
  for (;;) {
    scan(source, lexeme.end, source.length, lexeme);
    if (lexeme.unterminated !== undefined) {
      extent.unterminated = { what: lexeme.unterminated, start: lexeme.start };
    }
    const over = lexeme.kind === Kind.End || lexeme.kind === Kind.Semicolon;
    if (!over || (lexeme.unterminated !== undefined && extent.first < 0)) {
      if (extent.first < 0) extent.first = lexeme.start;
      extent.last = lexeme.end;
    }
    if (over) {
      const end = lexeme.kind === Kind.End ? source.length : lexeme.start;
      if (extent.first >= 0) slices.push(slice(source, start, end, extent));
      if (lexeme.kind === Kind.End) return Object.freeze(slices);
      // A comment on the line of the semicolon belongs to the statement before the semicolon.
      start = restOfLineCommentEnd(source, lexeme.end);
      extent = { first: -1, last: -1, unterminated: undefined };
    }
  }
}

/** True if any statement of the text is dialect. Cheap, and needs no parser. */
export function holdsDialect(source: string): boolean {
  return splitStatements(source).some(({ dialect }) => dialect);
}
