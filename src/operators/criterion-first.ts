/** The functions of MEANS that take the criterion as their first argument. */
import type { Operator } from './operator.ts';

const NAMES: ReadonlySet<string> = new Set(['matches', 'matches_parallel']);

/** The function with this name, in lower case; undefined if there is none. */
export function criterionFirstOf(name: string): string | undefined {
  const lower = name.toLowerCase();
  return NAMES.has(lower) ? lower : undefined;
}

/** MEANS as a function of this name, with its first two arguments swapped. It asks the same questions. */
export function criterionFirst(name: string, means: Operator): Operator {
  const [text, criterion, ...more] = means.args;
  const args = criterion === undefined ? means.args : [criterion, text!, ...more];
  return { ...means, name, args };
}
