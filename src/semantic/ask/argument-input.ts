/** An argument as the operator's cascade reads it. */

import type { Operator } from '../../operators/operator.ts';
import type { Json } from '../../util/json.ts';

/** The cascade's input for the argument at a place. A FLOAT argument comes as its SQL text, and becomes a number. */
export function argumentInput({ args }: Operator, index: number, value: Json): Json {
  const number = args[index]?.type.toUpperCase() === 'FLOAT' ? Number(value) : Number.NaN;
  return Number.isFinite(number) ? number : value;
}
