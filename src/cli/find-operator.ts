/** An operator as it is typed on the command line. */
import { join } from 'node:path';
import { nearestSpelling } from '../../grammar/spelling.ts';
import { BUILT_IN_ROOT } from '../operators/load-operators.ts';
import type { LoadedOperators } from '../operators/merge-operators.ts';
import type { Operator } from '../operators/operator.ts';
import { CliError } from './exit-codes.ts';

/** Finds it by its name, by one of its spellings, or by its function's name. Throws a `CliError` where there is none. */
export function findOperator({ operators, byFunction }: LoadedOperators, typed: string): Operator {
  const name = typed.trim().toUpperCase().replace(/\s+/g, '_');
  const found =
    operators.get(name) ??
    [...operators.values()].find(({ patterns }) =>
      patterns.some(({ words }) => words.join('_') === name),
    ) ??
    byFunction(name);
  if (found !== undefined) return found;
  const near = nearestSpelling(name, operators.keys());
  const advice = near === undefined ? 'rvbbit ops list' : `did you mean ${near}?`;
  throw new CliError('usage', `there is no operator '${typed}'`, advice);
}

/** The operator's file, under the cascade root or among the built-in ones. */
export function operatorFile(
  { files }: LoadedOperators,
  { name, source }: Operator,
  root: string,
): string {
  return join(source === 'built-in' ? BUILT_IN_ROOT : root, files.get(name) ?? '');
}
