/** What of a query may differ from one run of it to the next, though no data was changed. */
import type { SqlNode } from '../../duck/parse-sql.ts';
import type { FunctionFacts } from './function-facts.ts';
import { holds, isNode, nodesOf } from './query-tree.ts';

/** Table functions that read nothing from outside. */
const STABLE_SOURCES = new Set(
  'range generate_series unnest repeat repeat_row json_each json_tree test_all_types'.split(' '),
);

/** A function whose value is another one each time, or a source that is. */
export function isVolatile(node: SqlNode, facts: FunctionFacts): boolean {
  if (node['class'] === 'FUNCTION') return facts.volatile.has(functionName(node));
  return isNode(node['sample']) || isUnstableSource(node);
}

/** The same, and functions whose value is that of a query's begin. */
export function isVarying(node: SqlNode, facts: FunctionFacts): boolean {
  if (node['class'] === 'FUNCTION') {
    const name = functionName(node);
    return facts.volatile.has(name) || facts.varying.has(name);
  }
  const names = node['column_names'];
  if (node['class'] !== 'COLUMN_REF' || !Array.isArray(names) || names.length !== 1) return false;
  return /^(current_|local)/.test(names[0]) && facts.varying.has(String(names[0]).toLowerCase());
}

/** Files and the like, which others write to while a statement runs. */
function isUnstableSource(node: SqlNode): boolean {
  if (node['type'] === 'TABLE_FUNCTION') {
    const call = node['function'];
    return isNode(call) && !STABLE_SOURCES.has(functionName(call));
  }
  // FROM 'items.csv': DuckDB has it as a table of that name.
  const isTable = node['type'] === 'BASE_TABLE' && node['schema_name'] === '';
  return isTable && /[./]/.test(String(node['table_name']));
}

/** A query in FROM or WITH whose rows may differ from run to run. */
export function isUnstableQuery(query: unknown, facts: FunctionFacts): boolean {
  return holds(query, (node) => {
    const gives = node['type'] === 'SELECT_NODE' ? node['select_list'] : undefined;
    const isLimited = nodesOf(node['modifiers']).some(({ type }) =>
      String(type).startsWith('LIMIT'),
    );
    // That a condition holds of another moment is soon said; a value that differs each time never is.
    return isLimited || isVolatile(node, facts) || holds(gives, (one) => isVarying(one, facts));
  });
}

function functionName(node: SqlNode): string {
  return String(node['function_name']).toLowerCase();
}
