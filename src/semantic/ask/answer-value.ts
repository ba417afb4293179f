/** The text of a run's value as the value that the operator's function gives. */
import type { Failure } from '../../errors.ts';
import { convertAnswer } from '../../operators/convert-answer.ts';
import type { Operator } from '../../operators/operator.ts';
import { NATIVE_TYPES } from '../look-up/native-types.ts';
import type { Answer } from './answer-book.ts';

/** The value, or what is wrong with it. A type that no function can give is written as a text that DuckDB casts. */
export function answerValue(
  operator: Operator,
  text: string | null,
): { readonly value: Answer } | { readonly error: Failure } {
  const converted = convertAnswer(operator, text);
  if (!converted.ok) return { error: converted.error };
  const { value } = converted;
  const type = operator.returns.toUpperCase();
  if (value === null) return { value };
  if (type === 'BIGINT') return { value: BigInt(value as string | number) };
  const isPlain = typeof value === 'string' || NATIVE_TYPES.has(type);
  return { value: isPlain ? (value as Answer) : JSON.stringify(value) };
}
