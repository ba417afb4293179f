/** Counts the model calls that one run of a cascade makes if every cell runs once, and that a list of questions makes. */
import type { Cascade } from '../../cascade/cascade.ts';
import type { Operator } from '../../operators/operator.ts';
import type { Tuple } from './answer-book.ts';
import { seedRunCount } from './seed-runs.ts';

/** The counts so far: a cascade that many cells name is counted once. */
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

/** How many model calls these questions make. Throws if a question is a wrong call of a seed function. */
export function callsOf(operator: Operator, questions: readonly Tuple[]): number {
  const each = callsPerRun(operator.cascade);
  if (each === 0) return 0;
  return (
    each * (operator.seed === undefined ? questions.length : seedRunCount(operator, questions))
  );
}
