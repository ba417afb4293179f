import type { Diagnostic, Span } from './ast.ts';
import { QUOTED_TOKEN_CHARS } from './limits.ts';
import type { Unterminated } from './scan.ts';
import type { SourceText } from './source-text.ts';

/** A problem whose line, column and excerpt are not known yet. */
export interface Problem {
  readonly code: Diagnostic['code'];
  readonly message: string;
  readonly span: Span;
  readonly expected?: readonly string[];
  readonly suggestion?: string | undefined;
}

/** Returns the problem with its line, column and excerpt. */
export function createDiagnostic(text: SourceText, problem: Problem): Diagnostic {
  const start = Math.max(0, Math.min(problem.span.start, text.source.length));
  const end = Math.max(start, Math.min(problem.span.end, text.source.length));
  const { line, column } = text.positionAt(start);
  return Object.freeze({
    code: problem.code,
    message: problem.message,
    span: Object.freeze({ start, end }),
    line,
    column,
    expected: Object.freeze([...(problem.expected ?? [])]),
    ...(problem.suggestion === undefined ? {} : { suggestion: problem.suggestion }),
    excerpt: text.excerptAt(start, end - start),
  });
}

/** Returns source text as a message shows it: on one line, cut to `QUOTED_TOKEN_CHARS`. */
export function shown(text: string): string {
  const line = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ');
  return line.length > QUOTED_TOKEN_CHARS ? `${line.slice(0, QUOTED_TOKEN_CHARS - 1)}…` : line;
}

/** Joins words as `a`, `a or b`, `a, b or c`. */
export function either(words: readonly string[]): string {
  if (words.length < 2) return words.join('');
  return `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}

/** Returns ` Did you mean X?`, or the empty string without a suggestion. */
export function didYouMean(suggestion: string | undefined): string {
  return suggestion === undefined ? '' : ` Did you mean ${suggestion}?`;
}

const CLOSERS: Readonly<Record<Unterminated, string>> = {
  string: "'",
  name: '"',
  'dollar string': 'the same $…$',
  comment: '*/',
};
const THINGS: Readonly<Record<Unterminated, string>> = {
  string: 'string',
  name: 'quoted name',
  'dollar string': 'dollar-quoted string',
  comment: 'comment',
};

/** Returns the problem of a quote or comment that is not closed. */
export function unterminatedProblem(what: Unterminated, start: number): Problem {
  const length = what === 'comment' || what === 'dollar string' ? 2 : 1;
  return {
    code: 'RVB_SYNTAX',
    message: `This ${THINGS[what]} is not closed; it ends with ${CLOSERS[what]}.`,
    span: { start, end: start + length },
    expected: [CLOSERS[what]],
  };
}

/** Returns the problem of a NUL character, at which DuckDB ends a statement. */
export function nulProblem(at: number): Problem {
  return {
    code: 'RVB_SYNTAX',
    message: 'A NUL character stands here; DuckDB would read the statement only up to it.',
    span: { start: at, end: at + 1 },
  };
}
