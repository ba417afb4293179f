/**
 * Reads the entries of `sql_function.operators`: infix spellings (`{text} MEANS {criterion}`) and calls (`TLDR({text},
 * {focus})`).
 */
import { LOOSE_KEYWORDS, STRICT_KEYWORDS } from './duckdb-keywords.ts';
import type { OperatorPattern } from './operator.ts';

/** A spelling, read from its entry. */
export type Spelling =
  | ({ readonly kind: 'infix' } & OperatorPattern)
  | { readonly kind: 'call'; readonly name: string; readonly slots: readonly string[] };

const SLOT = String.raw`\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}`;
const WORD = '[A-Za-z_][A-Za-z0-9_]*';
const INFIX = new RegExp(`^\\s*${SLOT}\\s+(${WORD}(?:\\s+${WORD})*)\\s+${SLOT}\\s*$`);
const CALL = new RegExp(`^\\s*(${WORD})\\s*\\(\\s*(${SLOT}(?:\\s*,\\s*${SLOT})*)\\s*\\)\\s*$`);
const MAX_WORDS = 2;

/** DuckDB keywords that may come second: after an operand, no operand and no clause begins with them. */
const SECOND_WORDS = new Set(['TO', 'WITH']);
/** Keywords that DuckDB reads only as a statement, so that a call by this name is never DuckDB's own. */
const CALLABLE_KEYWORDS = new Set(['SUMMARIZE']);
/** First words of the dialect's own statements. */
const DIALECT_WORDS = new Set(['RVBBIT', 'RUN', 'MAP']);

/** Reads an entry, or says what is wrong with it. */
export function readSpelling(text: string): Spelling | { readonly problem: string } {
  const call = CALL.exec(text);
  if (call !== null) {
    const name = call[1]!.toUpperCase();
    const problem = callProblem(name);
    if (problem !== undefined) return { problem };
    const slots = [...call[2]!.matchAll(new RegExp(SLOT, 'g'))].map((match) => match[1]!);
    return { kind: 'call', name, slots };
  }
  const infix = INFIX.exec(text);
  if (infix === null) {
    return {
      problem: 'expected {argument} WORD [WORD] {argument}, or NAME({argument}, …)',
    };
  }
  const [, left, between, right] = infix;
  const words = between!.toUpperCase().split(/\s+/);
  const problem = problemOf(words);
  return problem === undefined ? { kind: 'infix', left: left!, words, right: right! } : { problem };
}

/** What is wrong with a name for a call; undefined if nothing is. */
export function callProblem(name: string): string | undefined {
  return STRICT_KEYWORDS.has(name) && !CALLABLE_KEYWORDS.has(name)
    ? `${name} is a word of DuckDB's grammar and cannot be called`
    : undefined;
}

function problemOf([first, second, ...more]: readonly string[]): string | undefined {
  if (more.length > 0) return `more than ${MAX_WORDS} words between the arguments`;
  if (STRICT_KEYWORDS.has(first!) || LOOSE_KEYWORDS.has(first!)) {
    return `${first} is a keyword of DuckDB, so that plain SQL would be ambiguous; take another word`;
  }
  if (DIALECT_WORDS.has(first!)) return `${first} begins statements of the dialect`;
  if (second === undefined || SECOND_WORDS.has(second)) return undefined;
  if (STRICT_KEYWORDS.has(second) || LOOSE_KEYWORDS.has(second)) {
    return `${second} is a keyword of DuckDB; of those only ${[...SECOND_WORDS].join(' and ')} may come second`;
  }
  return undefined;
}
