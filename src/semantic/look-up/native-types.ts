/** The types that look-ups inside DuckDB can have. */
import type { AppendColumn } from '../../duck/append.ts';
import { requiredArgs } from '../../operators/function-file.ts';
import type { Operator } from '../../operators/operator.ts';
import { type OperatorUse, typeOfUse } from '../read/use.ts';

/** Types that a function written in JavaScript takes and gives as they are; a value of any other type goes as its text. */
export const NATIVE_TYPES: ReadonlySet<string> = new Set([
  'BOOLEAN',
  'DOUBLE',
  'INTEGER',
  'BIGINT',
  'VARCHAR',
]);

/** The type of a column that answers are appended to. */
export type ColumnType = AppendColumn['type'];

/** Whether the operator takes one value and then only texts, and is not symmetric: the texts are its criteria. */
export function hasCriteria({ args, symmetric }: Operator): boolean {
  return !symmetric && args.slice(1).every(({ type }) => type.toUpperCase() === 'VARCHAR');
}

/** Whether the function takes and gives only native types, and always the same number of arguments. */
export function isNativeUse(use: OperatorUse): boolean {
  const { operator } = use.book;
  const types = [typeOfUse(use), ...operator.args.map(({ type }) => type.toUpperCase())];
  return (
    requiredArgs(operator) === operator.args.length && types.every((type) => NATIVE_TYPES.has(type))
  );
}

/** Whether some argument of the function is a text, and all have types for which a macro needs no cast. */
export function canBeCoded(use: OperatorUse): boolean {
  return isNativeUse(use) && textPlaces(use.book.operator).length > 0;
}

/** The places of the arguments that are texts: the function with codes takes one for each, after its arguments. */
export function textPlaces({ args }: Operator): readonly number[] {
  return args.flatMap(({ type }, index) => (type.toUpperCase() === 'VARCHAR' ? [index] : []));
}
