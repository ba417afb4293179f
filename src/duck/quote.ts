/** SQL quoting: names and texts as DuckDB reads them back unchanged. */

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

/** `a"b` → `"a""b"`. A NUL is refused. */
export function quoteIdentifier(name: string): string {
  refuseNul(name, 'a name');
  return `"${name.replaceAll('"', '""')}"`;
}

/** `it's` → `'it''s'`. A NUL is refused. */
export function quoteLiteral(text: string): string {
  refuseNul(text, 'a text');
  return `'${text.replaceAll("'", "''")}'`;
}
