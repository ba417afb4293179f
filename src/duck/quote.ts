/** Quotes names and texts so that DuckDB reads them back unchanged. */

import { RvbbitError } from '../errors.ts';

function refuseNul(text: string, what: string): void {
  if (text.includes('\0')) {
    throw new RvbbitError(
      'RVB_SQL',
      `${what} holds a NUL character, which ends SQL text early: remove it`,
      {
        stage: 'bind',
        sqlState: '22021',
      },
    );
  }
}

/** Quotes a name: `a"b` → `"a""b"`. Refuses a NUL with `RVB_SQL`. */
export function quoteIdentifier(name: string): string {
  refuseNul(name, 'a name');
  return `"${name.replaceAll('"', '""')}"`;
}

/** Quotes a text: `it's` → `'it''s'`. Refuses a NUL with `RVB_SQL`. */
export function quoteLiteral(text: string): string {
  refuseNul(text, 'a text');
  return `'${text.replaceAll("'", "''")}'`;
}
