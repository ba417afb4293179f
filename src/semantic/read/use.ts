/** How an operator is used at a place of a statement, and so which function stands there. */
import { assertUnreachable } from '../../errors.ts';
import type { Operator } from '../../operators/operator.ts';
import type { Answer, AnswerBook } from '../ask/answer-book.ts';
import type { SymbolNames } from './symbols.ts';

/**
 * `value` is the answer itself. `matches` tells whether a score reaches the threshold, where a BOOLEAN is needed. `not`
 * and `misses` are the negations of `value` and `matches`. NULL stays NULL.
 */
export type OperatorReading = 'value' | 'not' | 'matches' | 'misses';

/** One function of a statement: an operator with one reading, under names of its own. */
export interface OperatorUse {
  readonly book: AnswerBook;
  readonly reading: OperatorReading;
  readonly names: SymbolNames;
  /** The threshold for `matches` and `misses`. */
  readonly threshold: number;
  /** True if a missing answer counts as NULL and is not noted: the rows that need it are not wanted. */
  readonly isLenient?: boolean;
}

/** The type of the function's value. */
export function typeOfUse({ book: { operator }, reading }: OperatorUse): string {
  return typeOfReading(operator, reading);
}

/** The function's signature as a text, e.g. `(VARCHAR) -> BOOLEAN`. */
export function typesOf(operator: Operator, reading: OperatorReading): string {
  const args = operator.args.map(({ type }) => type.toUpperCase()).join(', ');
  return `(${args}) -> ${typeOfReading(operator, reading)}`;
}

function typeOfReading(operator: Operator, reading: OperatorReading): string {
  return reading === 'value' ? operator.returns.toUpperCase() : 'BOOLEAN';
}

/** The function's value for an answer. */
export function readAnswer({ reading, threshold }: OperatorUse, answer: Answer): Answer {
  if (answer === null) return null;
  switch (reading) {
    case 'value':
      return answer;
    case 'not':
      return answer !== true;
    case 'matches':
      return Number(answer) >= threshold;
    case 'misses':
      return Number(answer) < threshold;
    default:
      return assertUnreachable(reading);
  }
}
