/** How many model calls one run of a cascade makes if every cell runs once. */
import type { Cascade } from '../cascade/cascade.ts';

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
