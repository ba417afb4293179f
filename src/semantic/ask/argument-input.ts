/** An argument as the operator's cascade reads it. */

import type { Operator } from '../../operators/operator.ts';
import type { Json } from '../../util/json.ts';

/** The value at a place among the arguments. A FLOAT goes by its text in SQL, and is a number in the cascade. */
export function argumentInput({ args }: Operator, index: number, value: Json): Json {
  const number = args[index]?.type.toUpperCase() === 'FLOAT' ? Number(value) : Number.NaN;
  return Number.isFinite(number) ? number : value;
}
