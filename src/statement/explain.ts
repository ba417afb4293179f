/** Delivers the report of EXPLAIN, with a row for each line. */

import type { Delivered } from '../deliver/delivered.ts';
import { type ExplainFormat, renderReport } from '../explain/report/render-report.ts';
import type { ExplainReport, Notice } from '../result.ts';

/** A report, and the notices of the run of EXPLAIN ANALYZE. */
export interface Explained {
  readonly report: ExplainReport;
  readonly notices: readonly Notice[];
}

export function deliverExplain({ report, notices }: Explained, format: ExplainFormat): Delivered {
  const lines = renderReport(report, format);
  return {
    columns: [{ name: 'explain', type: 'VARCHAR' }],
    rows: lines.map((line) => ({ explain: line })),
    rowCount: lines.length,
    notices,
  };
}
