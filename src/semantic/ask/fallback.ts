/** The value that stands in for a failed answer: `-- @ on_error: default:…`. */
import { RvbbitError } from '../../errors.ts';
import type { Operator } from '../../operators/operator.ts';
import type { SemanticStatement } from '../read/read-statement.ts';
import type { SemanticSettings } from '../read/semantic-settings.ts';
import type { Answer } from './answer-book.ts';
import { answerValue } from './answer-value.ts';

/**
 * The value that stands in for a failed answer of the operator. Throws RVB_OPTION_TYPE if the default is no value of
 * the operator's type.
 */
export function fallbackAnswer(
  operator: Operator,
  { onError }: Pick<SemanticSettings, 'onError'>,
): Answer {
  if (onError.kind !== 'default') return null;
  const given = answerValue(operator, onError.value);
  if ('value' in given) return given.value;
  throw new RvbbitError(
    'RVB_OPTION_TYPE',
    `on_error: default:${onError.value} is not a ${operator.returns}, the type that ${operator.name} gives`,
    { stage: 'bind' },
  );
}

/** Throws RVB_OPTION_TYPE where an operator of the statement cannot give its default. */
export function checkFallbacks({ books }: SemanticStatement, settings: SemanticSettings): void {
  for (const { operator } of books) {
    // For a seed function, the default stands in for a single run, whose value may have any type.
    if (operator.seed === undefined) fallbackAnswer(operator, settings);
  }
}
