/** How many model calls one run of a cascade makes if every cell runs once, and how many questions make. */
import type { Cascade } from '../cascade/cascade.ts';
import type { Operator } from '../operators/operator.ts';
import { readSeedCall } from '../operators/seed-call.ts';
import type { Tuple } from './answer-book.ts';

export function callsPerRun(cascade: Cascade): number {
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
  return calls;
}

/** The same of questions: of a list of rows each is a run. Throws what is wrong with a list. */
export function callsOf({ cascade, seed }: Operator, questions: readonly Tuple[]): number {
  const each = callsPerRun(cascade);
  if (seed !== 'rvbbit_map_parallel' || each === 0) return questions.length * each;
  return questions.reduce((sum, question) => {
    const call = readSeedCall(seed, question);
    return sum + (call?.kind === 'map' ? call.rows.length : 0) * each;
  }, 0);
}
