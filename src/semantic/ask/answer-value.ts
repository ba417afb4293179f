/** Turns the text of a run's value into the value that the operator's function gives. */
import type { Failure } from '../../errors.ts';
import type { ConvertedValue } from '../../execute/execute-runs.ts';
import { convertAnswer } from '../../operators/convert-answer.ts';
import type { Operator } from '../../operators/operator.ts';
import { NATIVE_TYPES } from '../look-up/native-types.ts';
import type { Answer } from './answer-book.ts';

/**
 * The value, or what is wrong with it. A value of a type that no native function can give becomes a text, which DuckDB
 * casts.
 */
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

/** The text itself, or why it is no value of the operator's type. */
export function checkedValue(operator: Operator, value: string): ConvertedValue {
  const given = answerValue(operator, value);
  return 'error' in given ? given : { value };
}
