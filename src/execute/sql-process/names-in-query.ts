/** What a query names, by DuckDB's own parser, and what of it only the session itself could answer. */
import { parseSql, type SqlNode } from '../../duck/parse-sql.ts';
import type { Session } from '../../duck/session.ts';
import { RvbbitError } from '../../errors.ts';
import { foldName } from './search-path.ts';

/** A table as a query names it; the parts that it leaves out are empty. */
export interface TableReference {
  readonly catalog: string;
  readonly schema: string;
  readonly name: string;
}

/** A function as a query names it. */
export interface FunctionReference extends TableReference {
  /** It stands where a table would. */
  readonly givesRows: boolean;
}

/** The names of a query, those of built-in functions and types among them. */
export interface QueryNames {
  readonly tables: readonly TableReference[];
  readonly functions: readonly FunctionReference[];
  /** Lower case. */
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
  const names: Found = { tables: [], functions: [], types: new Set(), inFrom: new Set() };
  if (parsed.kind === 'parsed') {
    const what = 'a sql_data cell';
    throw onlyInline(
      parsed.isQuery
        ? `${what} whose tables DuckDB does not tell, for a cast to a list of an ENUM that it spells out,`
        : `${what} that is no query (SELECT, FROM, VALUES, …)`,
    );
  }
  if (parsed.kind === 'tree') collect(parsed.statements, new Set(), names);
  for (const { name } of names.functions) {
    if (OF_SESSION.test(name.toLowerCase()))
      throw onlyInline(`${name}(…), which is answered by the session itself,`);
  }
  return names;
}

/** The WITH of a query, in its order. */
interface CteMap {
  readonly map?: readonly { readonly key: unknown; readonly value: unknown }[];
}

interface Found {
  readonly tables: TableReference[];
  readonly functions: FunctionReference[];
  readonly types: Set<string>;
  /** Nodes of the functions that stand where a table would. */
  readonly inFrom: Set<unknown>;
}

/** The error for what has no meaning outside the session. */
export function onlyInline(what: string): RvbbitError {
  return new RvbbitError(
    'RVB_UNSUPPORTED',
    `${what} cannot run in a process of its own (sqlCells: 'process'): it is for an engine with sqlCells: 'inline'`,
    { stage: 'execute' },
  );
}

/** `ctes` are those that the node sees. */
function collect(node: unknown, ctes: ReadonlySet<string>, names: Found): void {
  if (Array.isArray(node)) {
    for (const item of node) collect(item, ctes, names);
    return;
  }
  if (typeof node !== 'object' || node === null) return;
  const { type, class: kind, cte_map: with_, ...rest } = node as SqlNode;
  if (type === 'BASE_TABLE') {
    const catalog = String(rest['catalog_name'] ?? '');
    const schema = String(rest['schema_name'] ?? '');
    const name = String(rest['table_name']);
    const isCte = schema === '' && ctes.has(foldName(name));
    if (!isCte) names.tables.push({ catalog, schema, name });
  } else if (type === 'SHOW_REF' && (rest['query'] ?? null) === null) {
    throw onlyInline("a list of the session's tables");
  } else if (type === 'TABLE_FUNCTION') {
    names.inFrom.add(rest['function']);
  } else if (type === 'UNBOUND_TYPE_INFO') {
    names.types.add(String(rest['name']).toLowerCase());
  } else if (type === 'RECURSIVE_CTE_NODE') {
    const { right, ...others } = rest;
    collect(others, ctes, names);
    collect(right, new Set([...ctes, foldName(String(rest['cte_name']))]), names);
    return;
  }
  if (kind === 'FUNCTION') {
    names.functions.push({
      catalog: String(rest['catalog'] ?? ''),
      schema: String(rest['schema'] ?? ''),
      name: String(rest['function_name']),
      givesRows: names.inFrom.has(node),
    });
  }
  const seen = new Set(ctes);
  for (const { key, value } of (with_ as CteMap | undefined)?.map ?? []) {
    // Each sees those before it, and not itself.
    collect(value, seen, names);
    seen.add(foldName(String(key)));
  }
  for (const value of Object.values(rest)) collect(value, seen, names);
}
