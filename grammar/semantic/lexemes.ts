import { createLexeme, Kind, scan } from '../scan.ts';

/** A lexeme of semantic SQL: adjacent operator characters form one lexeme. */
export interface SemanticLexeme {
  readonly kind: Kind;
  readonly start: number;
  readonly end: number;
  /** A word in capitals, or an operator as written; '' for any other lexeme. */
  readonly text: string;
}

const OPERATOR_KINDS: ReadonlySet<Kind> = new Set([Kind.Operator, Kind.Minus, Kind.Equals]);
/** Characters of the longest word whose text is kept. No word of an operator and no keyword is longer. */
const LONGEST_WORD = 64;

/** Returns the lexemes of a text up to its end, or up to a quote or comment that is not closed. */
export function semanticLexemes(source: string): readonly SemanticLexeme[] {
  const lexemes: SemanticLexeme[] = [];
  const lexeme = createLexeme();
  for (;;) {
    scan(source, lexeme.end, source.length, lexeme);
    const { kind, start, end, unterminated } = lexeme;
    if (kind === Kind.End || unterminated !== undefined) return lexemes;
    if (OPERATOR_KINDS.has(kind) && !isParameter(source, start, end)) {
      const last = lexemes.at(-1);
      const joins = last?.end === start && joinsTo(last, source[start]!);
      const text = source.slice(joins ? last.start : start, end);
      if (joins) lexemes.pop();
      lexemes.push({ kind: Kind.Operator, start: joins ? last.start : start, end, text });
    } else {
      const isWord = kind === Kind.Word && end - start <= LONGEST_WORD;
      lexemes.push({
        kind: kind === Kind.Operator ? Kind.Number : kind,
        start,
        end,
        text: isWord ? source.slice(start, end).toUpperCase() : '',
      });
    }
  }
}

/**
 * True if the character continues the operator. A sign begins a new operator, as in `a=-1`, unless the operator holds
 * one of the characters of Postgres's rule.
 */
function joinsTo(last: SemanticLexeme, character: string): boolean {
  if (last.kind !== Kind.Operator) return false;
  return (character !== '+' && character !== '-') || /[~!@^&|?%`]/.test(last.text);
}

/** True for `$1`, for `?`, and for the `$` of `$name`. They stand for a value and are no operators. */
function isParameter(source: string, start: number, end: number): boolean {
  return source[start] === '$' || (source[start] === '?' && end === start + 1);
}
