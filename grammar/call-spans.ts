/**
 * Finds the MAP and RUN calls within other statements: in brackets, where DuckDB expects a query, and right after the
 * words that take a whole statement. Only the first words after those are read, so that plain SQL needs no parser.
 */
import type { Span } from './ast.ts';
import { createLexeme, Kind, type Lexeme, scan } from './scan.ts';

const VERBS: ReadonlySet<string> = new Set(['MAP', 'RUN', 'AWAIT', 'CANCEL']);
/** The keywords that may follow a verb. DuckDB accepts none of them after a name `rvbbit` with the verb as alias. */
const AFTER_VERB: ReadonlySet<string> = new Set([
  'PARALLEL',
  'BATCH',
  'DISTINCT',
  'ASYNC',
  'USING',
]);

/** The words that take a statement without brackets, and give its columns or figures. */
const TAKES_STATEMENT: ReadonlySet<string> = new Set(['DESCRIBE', 'DESC', 'SUMMARIZE']);

/** The position of a call within another statement. */
export interface CallSpan extends Span {
  /** The end of the bracket or word before the call. */
  readonly after: number;
}

/**
 * Returns the position of each RVBBIT call within a range, in source order: the calls in brackets, or the one call
 * after DESCRIBE, SUMMARIZE or PREPARE … AS. A position reaches from the call's first word to its last. To find the
 * calls inside a call, search the span of that call. A call whose bracket is not closed reaches to the last word of
 * the range.
 */
export function callSpans(source: string, { start, end }: Span): readonly CallSpan[] {
  const spans: CallSpan[] = [];
  if (!/rvbbit/i.test(source.slice(start, end))) return spans;
  const lexeme = createLexeme();
  const whole = wholeCall(source, start, end);
  if (whole !== undefined) return [Object.freeze(whole)];
  lexeme.end = start;
  for (;;) {
    scan(source, lexeme.end, end, lexeme);
    if (lexeme.kind === Kind.End) return spans;
    if (lexeme.kind !== Kind.Open || source[lexeme.start] !== '(') continue;
    const first = opensCall(source, lexeme.end, end);
    if (first === undefined) continue;
    const { end: after } = lexeme;
    const last = lastWordEnd(source, lexeme, end);
    spans.push(Object.freeze({ start: first, end: last, after }));
  }
}

/** Returns the call after DESCRIBE, SUMMARIZE or PREPARE … AS; undefined if there is none, as in `DESCRIBE rvbbit`. */
function wholeCall(source: string, start: number, end: number): CallSpan | undefined {
  const lexeme = createLexeme();
  lexeme.end = start;
  const next = (): string => nextWord(source, end, lexeme);
  const first = next();
  if (first === 'PREPARE') {
    while (next() !== 'AS') if (lexeme.kind === Kind.End) return undefined;
  } else if (!TAKES_STATEMENT.has(first)) {
    return undefined;
  }
  const after = lexeme.end;
  if (next() !== 'RVBBIT') return undefined;
  const call = { start: lexeme.start, end, after };
  return next() === '' ? undefined : call;
}

/** Moves `lexeme` on, and returns a word in capitals; '' for any other lexeme. */
function nextWord(source: string, end: number, lexeme: Lexeme): string {
  scan(source, lexeme.end, end, lexeme);
  return lexeme.kind === Kind.Word ? source.slice(lexeme.start, lexeme.end).toUpperCase() : '';
}

/** Moves `lexeme` from an opening bracket to its closing bracket. Returns the end of the last word between them. */
function lastWordEnd(source: string, lexeme: Lexeme, end: number): number {
  let last = lexeme.end;
  let depth = 1;
  for (;;) {
    scan(source, lexeme.end, end, lexeme);
    if (lexeme.kind === Kind.Open) depth += 1;
    if (lexeme.kind === Kind.Close) depth -= 1;
    if (depth === 0 || lexeme.kind === Kind.End) return last;
    last = lexeme.end;
  }
}

/** Returns the start of the call that the next words open; undefined if they open no call. */
function opensCall(source: string, from: number, end: number): number | undefined {
  const lexeme = createLexeme();
  lexeme.end = from;
  const next = (): string => nextWord(source, end, lexeme);
  if (next() !== 'RVBBIT') return undefined;
  const first = lexeme.start;
  const verb = next();
  const word = next();
  const isText = lexeme.kind === Kind.String;
  if (VERBS.has(verb)) return isText || AFTER_VERB.has(word) ? first : undefined;
  // The verb may be misspelt: no SQL expression has a string and then USING here.
  return verb !== '' && isText && next() === 'USING' ? first : undefined;
}
