/** MAPs and RUNs in brackets, where DuckDB takes a query: found by their first words, so that plain SQL needs no parser. */
import type { Span } from './ast.ts';
import { createLexeme, Kind, type Lexeme, scan } from './scan.ts';

const VERBS: ReadonlySet<string> = new Set(['MAP', 'RUN', 'AWAIT', 'CANCEL']);
/** What follows a verb: nothing that DuckDB would take after a column or table called rvbbit and that word. */
const AFTER_VERB: ReadonlySet<string> = new Set([
  'PARALLEL',
  'BATCH',
  'DISTINCT',
  'ASYNC',
  'USING',
]);

/** Where a call in brackets stands. */
export interface CallSpan extends Span {
  /** Of the bracket before it. */
  readonly bracket: number;
}

/**
 * Where each RVBBIT call in brackets stands within a range, from its first word to its last, in the order of the text.
 * Those inside of another call are found by looking into its span. One that is not closed reaches to the end.
 */
export function callSpans(source: string, { start, end }: Span): readonly CallSpan[] {
  const spans: CallSpan[] = [];
  if (!/rvbbit/i.test(source.slice(start, end))) return spans;
  const lexeme = createLexeme();
  lexeme.end = start;
  for (;;) {
    scan(source, lexeme.end, end, lexeme);
    if (lexeme.kind === Kind.End) return spans;
    if (lexeme.kind !== Kind.Open || source[lexeme.start] !== '(') continue;
    const first = opensCall(source, lexeme.end, end);
    if (first === undefined) continue;
    const { start: bracket } = lexeme;
    const last = lastWordEnd(source, lexeme, end);
    spans.push(Object.freeze({ start: first, end: last, bracket }));
  }
}

/** The end of the last word before the bracket that closes the one at `lexeme`, which is then that bracket. */
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

/** Where the call begins whose words come next, if one does. */
function opensCall(source: string, from: number, end: number): number | undefined {
  const lexeme = createLexeme();
  lexeme.end = from;
  const next = (): string => {
    scan(source, lexeme.end, end, lexeme);
    return lexeme.kind === Kind.Word ? source.slice(lexeme.start, lexeme.end).toUpperCase() : '';
  };
  if (next() !== 'RVBBIT') return undefined;
  const first = lexeme.start;
  const verb = next();
  const word = next();
  const isText = lexeme.kind === Kind.String;
  if (VERBS.has(verb)) return isText || AFTER_VERB.has(word) ? first : undefined;
  // A misspelt verb: no expression has a text and then USING.
  return verb !== '' && isText && next() === 'USING' ? first : undefined;
}
