import { createLexeme, Kind, scan } from '../scan.ts';

/** A lexeme as semantic SQL sees it: adjoining operator characters are one. */
export interface SemanticLexeme {
  readonly kind: Kind;
  readonly start: number;
  readonly end: number;
  /** A word in capitals, an operator as it stands; '' for all else. */
  readonly text: string;
}

const OPERATOR_KINDS: ReadonlySet<Kind> = new Set([Kind.Operator, Kind.Minus, Kind.Equals]);
/** No word of an operator or keyword is longer; a longer one is not worth a copy. */
const LONGEST_WORD = 64;

/** The lexemes of a text up to its end, or up to a quote or comment that is not closed. */
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

/** An operator ends before a sign, as in `a=-1`, unless it holds one of the characters of Postgres's rule. */
function joinsTo(last: SemanticLexeme, character: string): boolean {
  if (last.kind !== Kind.Operator) return false;
  return (character !== '+' && character !== '-') || /[~!@^&|?%`]/.test(last.text);
}

/** `$1` and `?` stand for a value; `$name` is a `$` before a word. */
function isParameter(source: string, start: number, end: number): boolean {
  return source[start] === '$' || (source[start] === '?' && end === start + 1);
}
