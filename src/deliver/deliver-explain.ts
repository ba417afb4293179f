/** Delivers EXPLAIN: the report, a row a line. */
import { type ExplainFormat, renderReport } from '../explain/render-report.ts';
import type { Explained } from '../run-statement.ts';
import type { Delivered } from './delivered.ts';

export function deliverExplain({ report, notices }: Explained, format: ExplainFormat): Delivered {
  const lines = renderReport(report, format);
  return {
    columns: [{ name: 'explain', type: 'VARCHAR' }],
    rows: lines.map((line) => ({ explain: line })),
    rowCount: lines.length,
    notices,
  };
}
