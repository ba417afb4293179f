import type { Span } from '../ast.ts';
import { Kind } from '../scan.ts';
import { type SemanticLexeme, semanticLexemes } from './lexemes.ts';
import type { InfixSpelling, Vocabulary } from './vocabulary.ts';

/** A place that may hold a semantic operator. DuckDB's parser decides if it does. */
export interface SemanticSpan {
  readonly operator: string;
  readonly kind: 'infix' | 'call';
  /** True for `a NOT MEANS b`. */
  readonly negated: boolean;
  /** The position of the operator's words, including NOT, or of the function's name. */
  readonly span: Span;
  /** The operator's words in capitals, or the function's name as written. A column is named after this text. */
  readonly words: string;
  /** The offset of the lexeme after the words; the end of the text if there is none. */
  readonly next: number;
  /** The index of the first lexeme. */
  readonly from: number;
  /** The index after the last lexeme. */
  readonly to: number;
}

/** Keywords after which an operand begins. No operand ends with one of them. */
const OPENERS = wordSet(
  `SELECT WHERE AND OR NOT ON HAVING BY WHEN THEN ELSE CASE FROM JOIN IN LIKE ILIKE IS BETWEEN DISTINCT LIMIT OFFSET
  QUALIFY USING SET VALUES AS UNION ALL EXCEPT INTERSECT RETURNING WITH INTO SIMILAR GLOB ESCAPE RETURN INTERVAL`,
);
/** Keywords that no operand begins with. */
const CLOSERS = wordSet(
  `FROM WHERE AND OR GROUP ORDER LIMIT HAVING THEN ELSE END AS ON JOIN UNION EXCEPT INTERSECT QUALIFY OFFSET USING
  WHEN ASC DESC IN LIKE ILIKE IS BETWEEN RETURNING WINDOW FETCH INTO SET VALUES SELECT WITH LEFT RIGHT INNER FULL
  CROSS NATURAL NULLS COLLATE`,
);

/** Returns every place of a text that may hold an operator of the vocabulary, in source order. Never throws. */
export function findOperators(source: string, vocabulary: Vocabulary): readonly SemanticSpan[] {
  const lexemes = semanticLexemes(source);
  const byFirstWord = new Map<string, InfixSpelling[]>();
  for (const spelling of vocabulary.infix) {
    const first = spelling.words[0] ?? '';
    byFirstWord.set(first, [...(byFirstWord.get(first) ?? []), spelling]);
  }
  const spans: SemanticSpan[] = [];
  for (const [index, lexeme] of lexemes.entries()) {
    if (lexeme.kind !== Kind.Word && lexeme.kind !== Kind.QuotedName) continue;
    const spellings = byFirstWord.get(lexeme.text) ?? [];
    const infix = infixAt(source, lexemes, index, spellings);
    // After an operand no call can stand: `d MATCHES ('eco')` is infix.
    const found = infix ?? callAt(source, lexemes, index, vocabulary);
    if (found !== undefined) spans.push(found);
  }
  return spans;
}

/** Returns the operator at the lexeme if it stands between two operands. The longest spelling wins. */
function infixAt(
  source: string,
  lexemes: readonly SemanticLexeme[],
  index: number,
  spellings: readonly InfixSpelling[],
): SemanticSpan | undefined {
  let best: SemanticSpan | undefined;
  for (const { operator, words, negatable } of spellings) {
    const to = index + words.length;
    if (best !== undefined && best.to >= to) continue;
    if (!words.every((word, at) => lexemes[index + at]?.text === word)) continue;
    const negated = negatable && lexemes[index - 1]?.text === 'NOT';
    const from = negated ? index - 1 : index;
    if (!endsOperand(lexemes[from - 1]) || !beginsOperand(lexemes[to])) continue;
    best = {
      operator,
      kind: 'infix',
      negated,
      span: { start: lexemes[from]!.start, end: lexemes[to - 1]!.end },
      words: `${negated ? 'NOT ' : ''}${words.join(' ')}`,
      next: lexemes[to]?.start ?? source.length,
      from,
      to,
    };
  }
  return best;
}

function callAt(
  source: string,
  lexemes: readonly SemanticLexeme[],
  index: number,
  vocabulary: Vocabulary,
): SemanticSpan | undefined {
  const { start, end, kind } = lexemes[index]!;
  const next = lexemes[index + 1];
  if (kind !== Kind.Word || next?.kind !== Kind.Open || source[next.start] !== '(')
    return undefined;
  if (lexemes[index - 1]?.kind === Kind.Dot) return undefined;
  const written = source.slice(start, end);
  const operator = vocabulary.operatorOfFunction(written);
  if (operator === undefined) return undefined;
  return {
    operator,
    kind: 'call',
    negated: false,
    span: { start, end },
    words: written,
    next: next.start,
    from: index,
    to: index + 1,
  };
}

function endsOperand(lexeme: SemanticLexeme | undefined): boolean {
  switch (lexeme?.kind) {
    case Kind.Word:
      return !OPENERS.has(lexeme.text);
    case Kind.QuotedName:
    case Kind.String:
    case Kind.Number:
    case Kind.Close:
      return true;
    default:
      return false;
  }
}

function beginsOperand(lexeme: SemanticLexeme | undefined): boolean {
  switch (lexeme?.kind) {
    case Kind.Word:
      return !CLOSERS.has(lexeme.text);
    case Kind.QuotedName:
    case Kind.String:
    case Kind.Number:
    case Kind.Open:
      return true;
    case Kind.Operator:
      return /^[-+~@!]$/.test(lexeme.text);
    default:
      return false;
  }
}

function wordSet(words: string): ReadonlySet<string> {
  return new Set(words.trim().split(/\s+/));
}
