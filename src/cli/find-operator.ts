/** Finds an operator that is typed on the command line. */
import { join } from 'node:path';
import { nearestSpelling } from '../../grammar/spelling.ts';
import { builtInRoot } from '../operators/load-operators.ts';
import type { LoadedOperators } from '../operators/merge-operators.ts';
import type { Operator } from '../operators/operator.ts';
import { fileUnder } from './cascade-path.ts';
import { CliError } from './exit-codes.ts';

/** Finds an operator by its name, a spelling, or its function's name. Throws a `CliError` if there is none. */
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

/** Returns the operator's file, under a cascade root or among the built-in operators. */
export function operatorFile(
  { files }: LoadedOperators,
  { name, source }: Operator,
  roots: readonly string[],
): string {
  const file = files.get(name) ?? '';
  if (source === 'built-in') return join(builtInRoot(), file);
  return fileUnder(roots, file) ?? file;
}
