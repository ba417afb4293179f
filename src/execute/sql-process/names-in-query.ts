/** What a query names, by DuckDB's own parser, and what of it only the session itself could answer. */
import { parseSql, type SqlNode } from '../../duck/parse-sql.ts';
import type { Session } from '../../duck/session.ts';
import { RvbbitError } from '../../errors.ts';

/** A table as a query names it; the parts that it leaves out are empty. */
export interface TableReference {
  readonly catalog: string;
  readonly schema: string;
  readonly name: string;
  /** The query has a CTE of this name: it may mean that, or a table in spite of it. */
  readonly mayBeCte: boolean;
}

/** The names of a query: those of CTEs count as tables, those of built-in functions as functions. */
export interface QueryNames {
  readonly tables: readonly TableReference[];
  /** Lower case. */
  readonly functions: ReadonlySet<string>;
  readonly types: ReadonlySet<string>;
}

/** Functions whose answer is the session's state, or whose tables show only when they run. */
const OF_SESSION =
  /^(?:nextval|currval|getvariable|query|query_table|json_execute_serialized_sql|json_serialize_plan|sql_auto_complete|(?:duckdb|pragma)_\w+)$/;

/**
 * Reads a query without binding it: to bind may open files. Throws RVB_UNSUPPORTED where it is no query,
 * or one that asks for the session's own state. Text that does not parse names nothing: whoever runs it hears why.
 */
export async function namesInQuery(
  session: Session,
  text: string,
  signal: AbortSignal,
): Promise<QueryNames> {
  const parsed = await parseSql(session, text, signal);
  const names: Found = { tables: [], ctes: new Set(), functions: new Set(), types: new Set() };
  if (parsed.kind === 'parsed') {
    const what = 'a sql_data cell';
    throw onlyInline(
      parsed.isQuery
        ? `${what} whose tables DuckDB does not tell, for a cast to a list of an ENUM that it spells out,`
        : `${what} that is no query (SELECT, FROM, VALUES, …)`,
    );
  }
  if (parsed.kind === 'tree') collect(parsed.statements, names);
  for (const name of names.functions) {
    if (OF_SESSION.test(name))
      throw onlyInline(`${name}(…), which is answered by the session itself,`);
  }
  const { tables, ctes, functions, types } = names;
  return {
    tables: tables.map((table) => ({
      ...table,
      mayBeCte: table.schema === '' && ctes.has(table.name.toLowerCase()),
    })),
    functions,
    types,
  };
}

interface Found {
  readonly tables: Omit<TableReference, 'mayBeCte'>[];
  readonly ctes: Set<string>;
  readonly functions: Set<string>;
  readonly types: Set<string>;
}

/** The error for what has no meaning outside the session. */
export function onlyInline(what: string): RvbbitError {
  return new RvbbitError(
    'RVB_UNSUPPORTED',
    `${what} cannot run in a process of its own (sqlCells: 'process'): it is for an engine with sqlCells: 'inline'`,
    { stage: 'execute' },
  );
}

function collect(node: unknown, names: Found): void {
  if (Array.isArray(node)) {
    for (const item of node) collect(item, names);
    return;
  }
  if (typeof node !== 'object' || node === null) return;
  const { type, class: kind, ...rest } = node as SqlNode;
  if (type === 'BASE_TABLE') {
    names.tables.push({
      catalog: String(rest['catalog_name'] ?? ''),
      schema: String(rest['schema_name'] ?? ''),
      name: String(rest['table_name']),
    });
  } else if (type === 'SHOW_REF' && (rest['query'] ?? null) === null) {
    throw onlyInline("a list of the session's tables");
  } else if (type === 'UNBOUND_TYPE_INFO') {
    names.types.add(String(rest['name']).toLowerCase());
  }
  const ctes = rest['cte_map'] as
    | { readonly map?: readonly { readonly key?: unknown }[] }
    | undefined;
  for (const { key } of ctes?.map ?? []) names.ctes.add(String(key).toLowerCase());
  if (kind === 'FUNCTION') names.functions.add(String(rest['function_name']).toLowerCase());
  for (const value of Object.values(node)) collect(value, names);
}
