/** Runs an explained statement for EXPLAIN ANALYZE, and puts the actual figures beside the predicted ones. */
import type { Delivered } from '../deliver/delivered.ts';
import type { Statement } from '../execute/statement.ts';
import type { ExplainReport } from '../result.ts';
import type { Explained } from './explain.ts';

export async function analyzed(
  report: ExplainReport,
  { ledger, stop }: Statement,
  run: () => Promise<Pick<Delivered, 'rowCount' | 'notices'>>,
): Promise<Explained> {
  const startedMs = performance.now();
  const { rowCount, notices } = await run();
  const { withActual } = await import('../explain/report/compare.ts');
  const actual = withActual(report, ledger.figures, {
    resultRows: rowCount,
    runs: ledger.figures.runs,
    seconds: (performance.now() - startedMs) / 1_000,
    isComplete: stop.drained === undefined,
  });
  return { report: actual, notices };
}
