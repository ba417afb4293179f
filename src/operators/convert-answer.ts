/** Converts the value that an operator's cascade gave to the operator's type: exactly that value, or a failure. */
import type { Failure } from '../errors.ts';
import type { Json } from '../util/json.ts';
import { shortText } from '../util/short-text.ts';
import { readColumnType } from '../values/column-type.ts';
import { convertValue, NO_VALUE } from '../values/convert-value.ts';
import { sqlFunctionOf } from './function-file.ts';
import type { Operator } from './operator.ts';

/**
 * A value that DuckDB casts to the operator's type without loss: a boolean, finite number or text; integers beyond
 * 2^53, decimals, dates and JSON are texts; a list holds such values.
 */
export type Converted =
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly error: Failure };

/**
 * Converts a run's value, or its text, to the type that the operator returns. null stays null. A text may stand in one
 * Markdown fence and between spaces. A BOOLEAN is true or false in any case of letters, never yes, 1 or a sentence. A
 * number is written as in JSON, finite, and within the type and the file's `minimum` and `maximum`; nothing is rounded.
 * Everything else is RVB_TYPE_MISMATCH.
 */
export function convertAnswer(
  operator: Pick<Operator, 'name' | 'returns' | 'cascade'>,
  answer: Json,
): Converted {
  const type = readColumnType(operator.returns);
  if (answer === null) return { ok: true, value: null };
  const value = type === undefined ? NO_VALUE : convertValue(type, answer);
  const shown = () => shortText(JSON.stringify(answer));
  if (value === NO_VALUE) {
    return refuse(
      `${operator.name} gives ${operator.returns}, and ${shown()} is not a ${operator.returns}`,
    );
  }
  const { minimum, maximum } = sqlFunctionOf(operator.cascade) ?? {};
  for (const each of Array.isArray(value) ? (value as readonly Json[]) : [value]) {
    if (each === null) continue;
    const isLess = minimum !== undefined && Number(each) < minimum;
    if (isLess || (maximum !== undefined && Number(each) > maximum)) {
      const bounds = `${minimum ?? 'the least'} to ${maximum ?? 'the greatest'}`;
      return refuse(`${operator.name} gives ${bounds}, and ${shown()} is not in it`);
    }
  }
  return { ok: true, value };
}

function refuse(message: string): Converted {
  return { ok: false, error: { code: 'RVB_TYPE_MISMATCH', message } };
}
