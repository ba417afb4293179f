import type { Span } from '../ast.ts';
import { shown } from '../diagnostics.ts';
import { Kind } from '../scan.ts';
import type { SemanticSpan } from './find-operators.ts';
import { type SemanticLexeme, semanticLexemes } from './lexemes.ts';
import { bindingOf, leftExtent, operandEnd } from './operands.ts';

/** An operand that DuckDB would read otherwise than most readers do. */
export interface AmbiguousOperand {
  readonly span: Span;
  /** What stands there and how to write it. */
  readonly message: string;
}

/** What must be put in parentheses beside the operators of a text: `||` after a criterion, `->` beside one. */
export function ambiguousOperands(
  source: string,
  spans: readonly SemanticSpan[],
): readonly AmbiguousOperand[] {
  if (spans.length === 0) return [];
  const lexemes = semanticLexemes(source);
  return spans
    .filter(({ kind }) => kind === 'infix')
    .flatMap((span) => {
      const problem = afterCriterion(source, lexemes, span) ?? beforeText(source, lexemes, span);
      return problem === undefined ? [] : [problem];
    });
}

/** Where the criterion of an operator ends, and the parentheses around the operator with it. */
export function criterionEnd(source: string, span: SemanticSpan): number {
  const lexemes = semanticLexemes(source);
  let end = operandEnd(lexemes, span.to);
  let left = leftExtent(lexemes, span.from);
  while (lexemes[left - 1]?.kind === Kind.Open && lexemes[end]?.kind === Kind.Close) {
    left--;
    end++;
  }
  return lexemes[end - 1]?.end ?? source.length;
}

function afterCriterion(
  source: string,
  lexemes: readonly SemanticLexeme[],
  span: SemanticSpan,
): AmbiguousOperand | undefined {
  const end = operandEnd(lexemes, span.to);
  const operator = lexemes[end];
  if (operator?.kind !== Kind.Operator || bindingOf(operator.text) !== 'same') return undefined;
  if (operator.text === '::') return undefined;
  const left = leftExtent(lexemes, span.from);
  const text = cut(source, lexemes, left, span.from);
  const criterion = cut(source, lexemes, span.to, end);
  const rest = cut(source, lexemes, end + 1, operandEnd(lexemes, end + 1));
  const sign = operator.text;
  return {
    span: { start: operator.start, end: operator.end },
    message: `${sign} after the criterion of ${span.words} can be read two ways; write ${text} ${span.words} (${criterion} ${sign} ${rest}) or (${text} ${span.words} ${criterion}) ${sign} ${rest}`,
  };
}

/** `j->'k' MEANS 'x'` would be a lambda of DuckDB's. */
function beforeText(
  source: string,
  lexemes: readonly SemanticLexeme[],
  span: SemanticSpan,
): AmbiguousOperand | undefined {
  const left = leftExtent(lexemes, span.from);
  let depth = 0;
  for (let index = span.from - 1; index >= left; index--) {
    const { kind, text, start, end } = lexemes[index]!;
    if (kind === Kind.Close) depth++;
    if (kind === Kind.Open) depth--;
    if (depth !== 0 || kind !== Kind.Operator || text !== '->') continue;
    if (isLambda(lexemes, index)) return undefined;
    const operand = cut(source, lexemes, left, span.from);
    return {
      span: { start, end },
      message: `-> before ${span.words} would be read as a lambda; write (${operand}) ${span.words} …`,
    };
  }
  return undefined;
}

/** `x -> …` or `(x, i) -> …` as an argument, with a body that does not begin as a JSON path does. */
function isLambda(lexemes: readonly SemanticLexeme[], arrow: number): boolean {
  const body = lexemes[arrow + 1]?.kind;
  if (body === Kind.String || body === Kind.Number) return false;
  let at = arrow - 1;
  if (lexemes[at]?.kind === Kind.Close) {
    while (at >= 0 && lexemes[at]!.kind !== Kind.Open) at--;
  }
  const before = lexemes[at - 1]?.kind;
  return before === Kind.Comma || before === Kind.Open;
}

function cut(source: string, lexemes: readonly SemanticLexeme[], from: number, to: number): string {
  const first = lexemes[from];
  const last = lexemes[Math.max(from, to - 1)];
  return first === undefined || last === undefined
    ? '…'
    : shown(source.slice(first.start, last.end));
}
