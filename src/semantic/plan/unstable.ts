/** Finds the parts of a query that may differ from one run to the next, though no data was changed. */
import type { SqlNode } from '../../duck/parse-sql.ts';
import type { FunctionFacts } from './function-facts.ts';
import { holds, isNode, nodesOf } from './query-tree.ts';

/** Table functions that read nothing from outside. */
const STABLE_SOURCES = new Set(
  'range generate_series unnest repeat repeat_row json_each json_tree test_all_types'.split(' '),
);

/** Whether the node is a function that may give another value in each call, a sample, or a source of unstable rows. */
export function isVolatile(node: SqlNode, facts: FunctionFacts): boolean {
  if (node['class'] === 'FUNCTION') return facts.volatile.has(functionName(node));
  return isNode(node['sample']) || isUnstableSource(node);
}

/**
 * Whether the node is a function that may give another value in each call or in each query, such as
 * `current_timestamp`.
 */
export function isVarying(node: SqlNode, facts: FunctionFacts): boolean {
  if (node['class'] === 'FUNCTION') {
    const name = functionName(node);
    return facts.volatile.has(name) || facts.varying.has(name);
  }
  const names = node['column_names'];
  if (node['class'] !== 'COLUMN_REF' || !Array.isArray(names) || names.length !== 1) return false;
  return /^(current_|local)/.test(names[0]) && facts.varying.has(String(names[0]).toLowerCase());
}

/** Files and other sources that others may write to while a statement runs. */
function isUnstableSource(node: SqlNode): boolean {
  if (node['type'] === 'TABLE_FUNCTION') {
    const call = node['function'];
    return isNode(call) && !STABLE_SOURCES.has(functionName(call));
  }
  // DuckDB reads FROM 'items.csv' as a table of that name.
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
    // In a condition, `current_timestamp` is allowed: soon no run meets a new question. In a select list it gives new
    // values, and so new questions, in every run.
    return isLimited || isVolatile(node, facts) || holds(gives, (one) => isVarying(one, facts));
  });
}

function functionName(node: SqlNode): string {
  return String(node['function_name']).toLowerCase();
}
