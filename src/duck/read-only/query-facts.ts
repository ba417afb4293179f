/** Collects from a query's tree what decides whether the query only reads: its tables, its functions, its kinds of nodes. */

import { TABLE_FUNCTIONS, VALUE_FUNCTIONS } from './allowed-functions.ts';

/** A node of DuckDB's serialised tree. */
export type TreeNode = { readonly [key: string]: unknown };

/** A table in FROM. Every part is as written, and '' where it is not written. */
export interface TableName {
  readonly catalog: string;
  readonly schema: string;
  readonly name: string;
}

export interface QueryFacts {
  readonly tables: readonly TableName[];
  /** The functions, in lower case, that stand in no list of allowed functions. A macro may have such a name. */
  readonly functions: ReadonlySet<string>;
  /** A kind of node that is not known; undefined if all are known. */
  readonly unknown: string | undefined;
}

/** The kinds of expressions. None of them reads more than its functions and subqueries do. */
const EXPRESSIONS = new Set(
  `BETWEEN CASE CAST COLLATE COLUMN_REF COMPARISON CONJUNCTION CONSTANT DEFAULT FUNCTION LAMBDA LAMBDA_REF OPERATOR PARAMETER
  POSITIONAL_REFERENCE STAR SUBQUERY TYPE WINDOW`.split(/\s+/),
);
/** The kinds of queries and of what may stand in FROM, and their parts. */
const NODES = new Set(
  `BASE_TABLE CTE_NODE DISTINCT_MODIFIER EMPTY EXPRESSION_LIST JOIN LIMIT_MODIFIER LIMIT_PERCENT_MODIFIER ORDER_MODIFIER PIVOT
  RECURSIVE_CTE_NODE SELECT_NODE SET_OPERATION_NODE SHOW_REF SUBQUERY TABLE_FUNCTION`.split(/\s+/),
);
/** The directions of ORDER BY, and descriptions of types, which are data. */
const PARTS = /^(?:ORDER_DEFAULT|ASCENDING|DESCENDING|ORDER_\w+|[A-Z_]+_TYPE_INFO)$/;
/** The engine's names for semantic operators. Every statement defines those that it uses. */
const OPERATOR_SYMBOL = /^(?:~.+~(?:_text)?|rvb_\w+)$/;

/** Reads all statements of a tree. */
export function queryFacts(statements: readonly TreeNode[]): QueryFacts {
  const tables: TableName[] = [];
  const functions = new Set<string>();
  let unknown: string | undefined;
  // A list in place of recursion: a tree may be deeper than the stack.
  const waiting: unknown[] = [...statements];
  const ofTables = new Set<unknown>();
  while (waiting.length > 0) {
    const node = waiting.pop();
    if (typeof node !== 'object' || node === null) continue;
    if (Array.isArray(node)) {
      for (const each of node) waiting.push(each);
      continue;
    }
    const { class: kind, type, function_name: called, ...rest } = node as TreeNode;
    if (typeof kind === 'string' && !EXPRESSIONS.has(kind)) unknown ??= kind;
    if (kind === undefined && typeof type === 'string' && !NODES.has(type) && !PARTS.test(type)) {
      unknown ??= type;
    }
    if (kind === undefined && type === 'BASE_TABLE') {
      const { catalog_name: catalog, schema_name: schema, table_name: name } = rest;
      tables.push({ catalog: text(catalog), schema: text(schema), name: text(name) });
    }
    if (kind === undefined && type === 'TABLE_FUNCTION') ofTables.add(rest['function']);
    if (called !== undefined) {
      const name = text(called).toLowerCase();
      const allowed = ofTables.has(node) ? TABLE_FUNCTIONS : VALUE_FUNCTIONS;
      if (!allowed.has(name) && !OPERATOR_SYMBOL.test(name)) functions.add(name);
    }
    // A constant's value is data, and may look like anything.
    if (kind !== 'CONSTANT') for (const each of Object.values(node)) waiting.push(each);
  }
  return { tables, functions, unknown };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
