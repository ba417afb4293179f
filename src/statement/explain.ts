/** Delivers EXPLAIN: the report, a row a line. */

import type { Delivered } from '../deliver/delivered.ts';
import { type ExplainFormat, renderReport } from '../explain/report/render-report.ts';
import type { ExplainReport, Notice } from '../result.ts';

/** A report, and what EXPLAIN ANALYZE has to say besides. */
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
