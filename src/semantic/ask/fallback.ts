/** What failed answers count as: `-- @ on_error: default:…`. */
import { RvbbitError } from '../../errors.ts';
import type { Operator } from '../../operators/operator.ts';
import type { SemanticStatement } from '../read/read-statement.ts';
import type { SemanticSettings } from '../read/semantic-settings.ts';
import type { Answer } from './answer-book.ts';
import { answerValue } from './answer-value.ts';

/** What a failed answer of the operator counts as. Throws RVB_OPTION_TYPE for what is no value of its type. */
export function fallbackAnswer(
  operator: Operator,
  { onError }: Pick<SemanticSettings, 'onError'>,
): Answer {
  if (onError.kind !== 'default') return null;
  const given = answerValue(operator, onError.value);
  if ('value' in given) return given.value;
  throw new RvbbitError(
    'RVB_OPTION_TYPE',
    `on_error: default:${onError.value} is no ${operator.returns}, which ${operator.name} gives`,
    { stage: 'bind' },
  );
}

/** Throws RVB_OPTION_TYPE where an operator of the statement cannot give its default. */
export function checkFallbacks({ books }: SemanticStatement, settings: SemanticSettings): void {
  for (const { operator } of books) {
    // Of a seed's function the default is a run's, whose value may be any.
    if (operator.seed === undefined) fallbackAnswer(operator, settings);
  }
}
