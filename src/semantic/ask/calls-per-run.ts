/** How many model calls one run of a cascade makes if every cell runs once, and how many questions make. */
import type { Cascade } from '../../cascade/cascade.ts';
import type { Operator } from '../../operators/operator.ts';
import type { Tuple } from './answer-book.ts';
import { seedRunCount } from './seed-runs.ts';

/** A cascade that many cells name is counted once. */
const counted = new WeakMap<Cascade, number>();

export function callsPerRun(cascade: Cascade): number {
  const known = counted.get(cascade);
  if (known !== undefined) return known;
  let calls = 0;
  for (const cell of cascade.cells) {
    const factor = cell.takes?.factor ?? 1;
    if (cell.kind === 'instructions') calls += factor;
    if (cell.kind === 'cascade') {
      const nested = cascade.nested[cell.cascade];
      if (nested !== undefined) calls += factor * callsPerRun(nested);
    }
    if (cell.takes?.evaluator?.kind === 'instructions') calls += 1;
  }
  counted.set(cascade, calls);
  return calls;
}

/** The same of questions. Throws what is wrong with a call that gives a cascade its rows. */
export function callsOf(operator: Operator, questions: readonly Tuple[]): number {
  const each = callsPerRun(operator.cascade);
  if (each === 0) return 0;
  return (
    each * (operator.seed === undefined ? questions.length : seedRunCount(operator, questions))
  );
}
