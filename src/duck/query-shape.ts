/** What a query is, by DuckDB's own parser. */

import type { DuckDBConnection } from '@duckdb/node-api';
import { nativeThreads } from './thread-budget.ts';

/** Whether the outermost select limits its rows, and whether the text is of the SELECT family. */
export interface QueryShape {
  readonly hasLimit: boolean;
  readonly kind: 'select' | 'other';
}

interface Modifier {
  readonly type: string;
  readonly limit?: unknown;
}

interface SerializedQuery {
  readonly error: boolean;
  readonly error_type?: string;
  readonly error_message?: string;
  readonly statements?: readonly { readonly node: { readonly modifiers?: readonly Modifier[] } }[];
}

/**
 * The shape of one query. A text that does not parse is `other`: running it says what is wrong. LIMIT
 * and FETCH count in any form, `LIMIT ALL` and a parameter included; OFFSET alone does not.
 */
export async function queryShapeOf(
  connection: DuckDBConnection,
  sql: string,
  signal?: AbortSignal,
): Promise<QueryShape> {
  const parses = (text: string) =>
    nativeThreads
      .use(() => connection.extractStatements(text), signal)
      .then(
        () => true,
        () => false,
      );
  const result = await nativeThreads.use(
    () => connection.run('SELECT json_serialize_sql($1::VARCHAR)', [sql]),
    signal,
  );
  const text = String(result.getChunk(0).getColumnVector(0).getItem(0));
  const parsed = JSON.parse(text) as SerializedQuery;
  if (!parsed.error) {
    const statements = parsed.statements ?? [];
    const modifiers = statements.length === 1 ? (statements[0]?.node.modifiers ?? []) : [];
    return {
      kind: statements.length === 1 ? 'select' : 'other',
      hasLimit: modifiers.some(
        ({ type, limit }) => type.startsWith('LIMIT') && limit !== null && limit !== undefined,
      ),
    };
  }
  // A PIVOT statement cannot be serialised, and cannot have a LIMIT of its own either; that it is a query
  // shows in its standing as a table.
  const isQuery = await parses(`SELECT * FROM (\n${sql}\n)`);
  return { kind: isQuery ? 'select' : 'other', hasLimit: false };
}
