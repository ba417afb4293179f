/** Asks DuckDB's own parser for the tree of a query, or for the place of a syntax error. */
import type { Session } from './session.ts';
import { nativeThreads } from './thread-budget.ts';

/** A node of DuckDB's serialised tree. */
export type SqlNode = { readonly [key: string]: unknown };

/** The result of parsing a text. */
export type ParsedSql =
  /** One or more queries of the SELECT family. */
  | {
      readonly kind: 'tree';
      readonly statements: readonly SqlNode[];
      /** True if JavaScript rounds no number of the tree, so that the tree can be converted back to SQL. */
      readonly isExact: boolean;
    }
  /** A valid text of which DuckDB gives no tree: DML, DDL, or a query with a cast that cannot be serialised. */
  | { readonly kind: 'parsed' }
  /** A syntax error. `offset` is in UTF-16 units, and absent if DuckDB gives no position. */
  | { readonly kind: 'error'; readonly message: string; readonly offset?: number };

interface Serialised {
  readonly error: boolean;
  readonly error_type?: string;
  readonly error_message?: string;
  readonly position?: string;
  readonly statements?: readonly SqlNode[];
}

/** A DOUBLE literal with a whole number, in the text of a tree. Quotes within strings are escaped, so it matches no string. */
const WHOLE_DOUBLE = /("id":"DOUBLE","type_info":null\},"is_null":false,"value":-?\d+)(?=[,}])/g;

/** Parses a text without binding it. */
export async function parseSql(
  session: Session,
  sql: string,
  signal?: AbortSignal,
): Promise<ParsedSql> {
  const text = await session.inTurn(async (connection) => {
    const result = await nativeThreads.use(
      () => connection.run('SELECT json_serialize_sql($1::VARCHAR)', [sql]),
      signal,
    );
    return String(result.getChunk(0).getColumnVector(0).getItem(0));
  }, signal);
  const located = text.replaceAll('"query_location":18446744073709551615', '"query_location":0');
  const parsed = JSON.parse(located) as Serialised;
  if (!parsed.error) {
    const isExact = !/[-:,[]\d{16,}|-0/.test(withoutTexts(located));
    return { kind: 'tree', statements: parsed.statements ?? [], isExact };
  }
  if (parsed.error_type !== 'parser' && parsed.error_type !== 'syntax') {
    return { kind: 'parsed' };
  }
  const position = parsed.position === undefined ? undefined : Number(parsed.position);
  return {
    kind: 'error',
    message: parsed.error_message ?? 'syntax error',
    ...(position === undefined ? {} : { offset: utf16Offset(sql, position) }),
  };
}

/** Returns JSON with every string emptied. JavaScript does not round the digits within a string. */
function withoutTexts(json: string): string {
  return json.replace(/"(?:[^"\\]|\\.)*"/g, '""');
}

/** Returns the SQL of a tree, as DuckDB writes it. */
export async function treeToSql(
  session: Session,
  statement: SqlNode,
  signal?: AbortSignal,
): Promise<string> {
  // JavaScript writes 3.0 as 3, which DuckDB refuses for a DOUBLE.
  const tree = JSON.stringify({ error: false, statements: [statement] }).replace(
    WHOLE_DOUBLE,
    '$1.0',
  );
  return session.inTurn(async (connection) => {
    const result = await nativeThreads.use(
      () => connection.run('SELECT json_deserialize_sql($1::VARCHAR::JSON)', [tree]),
      signal,
    );
    return String(result.getChunk(0).getColumnVector(0).getItem(0));
  }, signal);
}

/** Converts an offset in code points, as DuckDB reports it, to UTF-16 units. */
function utf16Offset(text: string, codePoints: number): number {
  let offset = 0;
  for (let count = 0; count < codePoints && offset < text.length; count++) {
    const code = text.charCodeAt(offset);
    offset += code >= 0xd800 && code < 0xdc00 ? 2 : 1;
  }
  return offset;
}
