/** The entry of one operator file in the registry. */
import type { RvbbitError } from '../errors.ts';
import { brokenOperator, type OperatorNames } from './broken-operator.ts';
import type { Operator } from './operator.ts';

/** An operator, its file, and the error in that file. */
export interface OperatorEntry {
  readonly operator: Operator;
  /** Relative to the cascade root, or `built-in/…`. */
  readonly file: string;
  /** All names of its function, in lower case. */
  readonly functions: readonly string[];
  readonly error?: RvbbitError;
  /** True if the cascade names other files: the operator's own file does not show when they change. */
  readonly readsOthers: boolean;
}

/** The entry of an operator of which only the names are known. */
export function brokenEntry(
  names: OperatorNames,
  file: string,
  error: RvbbitError,
  functions: readonly string[],
): OperatorEntry {
  const operator = brokenOperator(names, error);
  return { operator, file, functions, error, readsOthers: true };
}
