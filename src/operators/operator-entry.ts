/** What one file of operators gives to the registry. */
import type { RvbbitError } from '../errors.ts';
import { brokenOperator, type OperatorNames } from './broken-operator.ts';
import type { Operator } from './operator.ts';

/** An operator and its file. */
export interface OperatorEntry {
  readonly operator: Operator;
  /** Relative to the cascade root, or `built-in/…`. */
  readonly file: string;
  /** Every name of its function, in lower case. */
  readonly functions: readonly string[];
  readonly error?: RvbbitError;
  /** The cascade names other files, whose changes the operator's own file does not show. */
  readonly readsOthers: boolean;
}

/** The entry of an operator that is known by its names alone. */
export function brokenEntry(
  names: OperatorNames,
  file: string,
  error: RvbbitError,
  functions: readonly string[],
): OperatorEntry {
  const operator = brokenOperator(names, error);
  return { operator, file, functions, error, readsOthers: true };
}
