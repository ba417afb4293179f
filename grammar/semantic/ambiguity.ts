import type { Span } from '../ast.ts';
import { shown } from '../diagnostics.ts';
import { Kind } from '../scan.ts';
import type { SemanticSpan } from './find-operators.ts';
import { type SemanticLexeme, semanticLexemes } from './lexemes.ts';
import { bindingOf, leftExtent, operandEnd } from './operands.ts';

/** An operand that DuckDB reads differently from most people. */
export interface AmbiguousOperand {
  readonly span: Span;
  /** Says which operator stands at `span`, and how to write the operand without ambiguity. */
  readonly message: string;
}

/** Returns the operands that need parentheses, for example with `||` after a criterion or `->` before an operator. */
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

/** Returns the end offset of an operator's criterion. Parentheses around the whole operator are included. */
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

/** Reports a `->` before the operator: DuckDB would read `j->'k' MEANS 'x'` as a lambda. */
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

/** True for `x -> …` or `(x, i) -> …` as an argument, if the body does not begin like a JSON path. */
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
