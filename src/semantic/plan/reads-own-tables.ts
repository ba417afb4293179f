/** Finds out if a query reads nothing but tables of DuckDB, whose changes the engine sees. */
import type { SqlNode } from '../../duck/parse-sql.ts';
import { quoteLiteral } from '../../duck/quote.ts';
import type { Session } from '../../duck/session.ts';
import type { FunctionFacts } from './function-facts.ts';
import { holds } from './query-tree.ts';
import { isVarying, isVolatile } from './unstable.ts';

/**
 * True if two runs of the query read the same rows unless a text of some session changes data or settings between
 * them: no view, file, foreign database, macro, or function that gives another value each time.
 */
export async function readsOwnTables(
  session: Session,
  tree: unknown,
  facts: FunctionFacts,
  isOperator: (node: SqlNode) => boolean,
): Promise<boolean> {
  const tables = new Set<string>();
  const isOther = holds(tree, (node) => {
    if (node['type'] === 'BASE_TABLE') tables.add(String(node['table_name']).toLowerCase());
    const name = String(node['function_name']).toLowerCase();
    const isForeign = node['class'] === 'FUNCTION' && !facts.builtIn.has(name);
    return (isForeign && !isOperator(node)) || isVolatile(node, facts) || isVarying(node, facts);
  });
  if (isOther) return false;
  if (tables.size === 0) return true;
  const list = [...tables].map(quoteLiteral).join(', ');
  const reader = await session.run(
    `SELECT count(DISTINCT lower(table_name)) FILTER (is_own), count(*) FILTER (NOT is_own) FROM (SELECT table_name, type = 'duckdb' AS is_own FROM duckdb_tables() JOIN duckdb_databases() USING (database_name) UNION ALL SELECT view_name, false FROM duckdb_views()) WHERE lower(table_name) IN (${list})`,
    { own: true },
  );
  const [[found], [others]] = (await reader.allColumns('json')) as [unknown[], unknown[]];
  return Number(found) === tables.size && Number(others) === 0;
}
