/** Finds calls whose arguments probably stand in the wrong order: a swapped question has an answer too. */
import { callArguments } from '../../../grammar/semantic/call-arguments.ts';
import type { SemanticSpan } from '../../../grammar/semantic/find-operators.ts';
import type { RvbbitError } from '../../errors.ts';
import { criterionFirstOf } from '../../operators/criterion-first.ts';
import type { Operator } from '../../operators/operator.ts';
import type { OperatorContext } from './contexts.ts';
import { sourceError } from './source-error.ts';

/**
 * Returns the error RVB_AMBIGUOUS_OPERAND for a call of an infix operator whose left operand is the same for all rows while the
 * right one is not. `matches` has the criterion first and `semantic_matches` the text: such a call has probably the
 * order of the other function. A call of `semantic_matches` that does not show which argument is
 * the criterion is refused as well. The infix form says which operand is which.
 */
export function swappedCall(
  source: string,
  span: SemanticSpan,
  { args, patterns, symmetric, source: origin }: Operator,
  context: OperatorContext | undefined,
): RvbbitError | undefined {
  const name = span.words.toUpperCase().replace(/^SEMANTIC_/, '');
  const pattern = patterns.find(({ words }) => words.join('_') === name) ?? patterns[0];
  if (span.kind !== 'call' || pattern === undefined || symmetric) return undefined;
  const places = [pattern.left, pattern.right].map((slot) =>
    args.findIndex(({ name }) => name === slot),
  );
  const written = callArguments(source, span);
  const [left, right] = places.map((place) => written[place]);
  if (left === undefined || right === undefined) return undefined;
  const [leftVaries, rightVaries] = places.map((place) =>
    context === undefined ? written[place]?.literal === undefined : context.varies[place],
  );
  const isDisputed =
    origin === 'built-in' &&
    span.words.toUpperCase() !== name &&
    criterionFirstOf(name) !== undefined;
  if (isDisputed ? leftVaries && !rightVaries : leftVaries || !rightVaries) return undefined;
  const [first, second] = [left, right].map(({ span: at }) =>
    asOperand(source.slice(at.start, at.end)),
  );
  const words = pattern.words.join(' ');
  const order = args.map(({ name }) => name).join(', ');
  if (leftVaries === rightVaries) {
    const both = `semantic_matches takes (text, criterion) and matches (criterion, text), and nothing here tells one from the other`;
    const message = `${both}; write ${first} ${words} ${second} for the text ${first}`;
    return sourceError('RVB_AMBIGUOUS_OPERAND', message, source, span.span.start);
  }
  const message = `${span.words} takes (${order}), and here ${pattern.left} is the same for all rows while ${pattern.right} is not; write ${second} ${words} ${first}, or ${first} ${words} ${second} if that is meant`;
  return sourceError('RVB_AMBIGUOUS_OPERAND', message, source, span.span.start);
}

/** The text of an argument in parentheses, unless it is a name, a number or a text literal. */
function asOperand(text: string): string {
  return /^(?:[\w.$]+|'(?:[^']|'')*')$/.test(text) ? text : `(${text})`;
}
