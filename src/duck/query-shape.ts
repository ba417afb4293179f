/** Reads the shape of a query with DuckDB's own parser. */

import type { DuckDBConnection } from '@duckdb/node-api';
import { LRUCache } from 'lru-cache';
import { nativeThreads } from './thread-budget.ts';

/** Says if the outermost select limits its rows, and if the text is a query of the SELECT family. */
export interface QueryShape {
  readonly hasLimit: boolean;
  /** The number of rows in LIMIT, if it is a constant integer. */
  readonly limit?: number;
  readonly kind: 'select' | 'other';
}

interface Modifier {
  readonly type: string;
  readonly limit?: Expression | null;
}

interface Expression {
  readonly value?: { readonly type: { readonly id: string }; readonly value: unknown };
}

interface SerializedQuery {
  readonly error: boolean;
  readonly error_type?: string;
  readonly error_message?: string;
  readonly statements?: readonly { readonly node: { readonly modifiers?: readonly Modifier[] } }[];
}

/** The maximum number of query texts whose `QueryShape` is cached. A shape depends only on the text. */
const SHAPES_KEPT = 500;
/** The shape of a longer text is not cached. */
const SHAPE_MAX_CHARS = 20_000;

const shapes = new LRUCache<string, QueryShape>({ max: SHAPES_KEPT });

/** Returns the cached shape of a text; undefined if it is not cached. */
export function knownShape(sql: string): QueryShape | undefined {
  return shapes.get(sql);
}

/**
 * Returns the shape of one query. A text that does not parse is `other`: its execution reports the error. LIMIT and
 * FETCH count in any form, `LIMIT ALL` and a parameter included; OFFSET alone does not count.
 */
export async function queryShapeOf(
  connection: DuckDBConnection,
  sql: string,
  signal?: AbortSignal,
): Promise<QueryShape> {
  const shape = await readShape(connection, sql, signal);
  if (sql.length <= SHAPE_MAX_CHARS) shapes.set(sql, shape);
  return shape;
}

async function readShape(
  connection: DuckDBConnection,
  sql: string,
  signal: AbortSignal | undefined,
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
    const limits = modifiers.filter(
      ({ type, limit }) => type.startsWith('LIMIT') && limit !== null && limit !== undefined,
    );
    const [first] = limits;
    const constant = first?.type === 'LIMIT_MODIFIER' ? first.limit?.value : undefined;
    return {
      kind: statements.length === 1 ? 'select' : 'other',
      hasLimit: limits.length > 0,
      ...(constant?.type.id === 'INTEGER' ? { limit: Number(constant.value) } : {}),
    };
  }
  // A PIVOT statement cannot be serialised, and cannot have a LIMIT of its own. It is recognised as a query because it
  // parses as a table in FROM.
  const isQuery = await parses(`SELECT * FROM (\n${sql}\n)`);
  return { kind: isQuery ? 'select' : 'other', hasLimit: false };
}
