/** Builds and takes apart nodes of DuckDB's tree. */
import type { SqlNode } from '../../duck/parse-sql.ts';
import { RvbbitError } from '../../errors.ts';

/** Whether a value is a node: a tree is plain JSON. */
export function isNode(value: unknown): value is SqlNode {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function nodesOf(value: unknown): readonly SqlNode[] {
  return Array.isArray(value) ? value.filter(isNode) : [];
}

/** Whether the value holds a node, at any depth, for which `test` is true. */
export function holds(value: unknown, test: (node: SqlNode) => boolean): boolean {
  if (Array.isArray(value)) return value.some((item) => holds(item, test));
  if (!isNode(value)) return false;
  return test(value) || Object.values(value).some((child) => holds(child, test));
}

/** The value with each node replaced for which `replace` gives another node. The replacement itself is not searched. */
export function mapTree(value: unknown, replace: (node: SqlNode) => SqlNode | undefined): unknown {
  if (Array.isArray(value)) return value.map((item) => mapTree(item, replace));
  if (!isNode(value)) return value;
  const other = replace(value);
  if (other !== undefined) return other;
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => [key, mapTree(child, replace)]),
  );
}

/** The operands of an AND of ANDs; those of an OR under NOT are the operands of an AND, each under NOT. */
export function conjuncts(expression: unknown): readonly SqlNode[] {
  if (!isNode(expression)) return [];
  const children = nodesOf(expression['children']);
  if (expression['type'] === 'CONJUNCTION_AND') return children.flatMap(conjuncts);
  const [only] = children;
  if (expression['type'] !== 'OPERATOR_NOT' || only?.['type'] !== 'CONJUNCTION_OR') {
    return [expression];
  }
  return nodesOf(only['children']).flatMap((part) =>
    conjuncts({ ...expression, children: [part] }),
  );
}

/** The AND of expressions; null for none, as in a query without WHERE. */
export function conjunction(expressions: readonly SqlNode[]): SqlNode | null {
  if (expressions.length < 2) return expressions[0] ?? null;
  return {
    class: 'CONJUNCTION',
    type: 'CONJUNCTION_AND',
    alias: '',
    query_location: 0,
    children: expressions,
  };
}

/**
 * A condition that is TRUE where all expressions are, and that evaluates each only where those before it are TRUE: CASE
 * is lazy, while DuckDB may evaluate an AND in any order.
 */
export function inTurn(expressions: readonly SqlNode[]): SqlNode | null {
  const last = expressions.at(-1);
  if (last === undefined) return null;
  return expressions.slice(0, -1).reduceRight<SqlNode>(
    (rest, expression) => ({
      class: 'CASE',
      type: 'CASE_EXPR',
      alias: '',
      query_location: 0,
      case_checks: [{ when_expr: expression, then_expr: rest }],
      else_expr: {
        class: 'CONSTANT',
        type: 'VALUE_CONSTANT',
        alias: '',
        query_location: 0,
        value: { type: { id: 'NULL', type_info: null }, is_null: true },
      },
    }),
    last,
  );
}

export function columnRef(...names: string[]): SqlNode {
  return {
    class: 'COLUMN_REF',
    type: 'COLUMN_REF',
    alias: '',
    query_location: 0,
    column_names: names,
  };
}

/** A call of a function by its unqualified name. */
export function functionCall(name: string, children: readonly SqlNode[]): SqlNode {
  return {
    class: 'FUNCTION',
    type: 'FUNCTION',
    alias: '',
    query_location: 0,
    function_name: name,
    schema: '',
    children,
    filter: null,
    order_bys: { type: 'ORDER_MODIFIER', orders: [] },
    distinct: false,
    is_operator: false,
    export_state: false,
    catalog: '',
  };
}

/** An integer literal. */
export function integer(value: number): SqlNode {
  return constant('BIGINT', value);
}

/** A VARCHAR literal. */
export function textLiteral(value: string): SqlNode {
  return constant('VARCHAR', value);
}

function constant(type: string, value: number | string): SqlNode {
  return {
    class: 'CONSTANT',
    type: 'VALUE_CONSTANT',
    alias: '',
    query_location: 0,
    value: { type: { id: type, type_info: null }, is_null: false, value },
  };
}

/** `expression IN (…)`. */
export function isOneOf(expression: SqlNode, values: readonly SqlNode[]): SqlNode {
  return {
    class: 'OPERATOR',
    type: 'COMPARE_IN',
    alias: '',
    query_location: 0,
    children: [expression, ...values],
  };
}

/** The value of an integer literal that is not negative; undefined for any other node. */
export function integerOf(node: unknown): number | undefined {
  const value = isNode(node) && node['class'] === 'CONSTANT' ? node['value'] : undefined;
  const number = isNode(value) ? value['value'] : undefined;
  return typeof number === 'number' && Number.isInteger(number) && number >= 0 ? number : undefined;
}

/** A temp table as a relation of a FROM. */
export function baseTable(name: string): SqlNode {
  return {
    type: 'BASE_TABLE',
    alias: '',
    sample: null,
    query_location: 0,
    schema_name: 'main',
    table_name: name,
    column_name_alias: [],
    catalog_name: 'temp',
    at_clause: null,
  };
}

/** The FROM of a SELECT without one. */
export const NO_TABLE: SqlNode = { type: 'EMPTY', alias: '', sample: null, query_location: 0 };

/** `*`, or `relation.*`, without the excluded columns. */
export function star(relation = '', excluded: readonly string[] = []): SqlNode {
  return {
    class: 'STAR',
    type: 'STAR',
    alias: '',
    query_location: 0,
    relation_name: relation,
    exclude_list: excluded,
    replace_list: [],
    columns: false,
    expr: null,
    qualified_exclude_list: [],
    rename_list: [],
  };
}

/** A SELECT of these expressions, with FROM and WHERE and no other clause. */
export function select(list: readonly SqlNode[], from: unknown, where: SqlNode | null): SqlNode {
  return {
    type: 'SELECT_NODE',
    modifiers: [],
    cte_map: { map: [] },
    select_list: list,
    from_table: from,
    where_clause: where,
    group_expressions: [],
    group_sets: [],
    aggregate_handling: 'STANDARD_HANDLING',
    having: null,
    sample: null,
    qualify: null,
  };
}

export function hasLimit(query: SqlNode): boolean {
  return nodesOf(query['modifiers']).some(({ type }) => String(type).startsWith('LIMIT'));
}

/** The sum of LIMIT and OFFSET; undefined if there is no LIMIT, or one of them is no number. */
export function rowsWanted(modifiers: readonly SqlNode[]): number | undefined {
  const limit = modifiers.find(({ type }) => String(type).startsWith('LIMIT'));
  if (limit?.['type'] !== 'LIMIT_MODIFIER') return undefined;
  const rows = integerOf(limit['limit']);
  const skipped = limit['offset'] === null ? 0 : integerOf(limit['offset']);
  return rows === undefined || skipped === undefined ? undefined : rows + skipped;
}

/** Adds a LIMIT to a query that has none. */
export function limited(query: SqlNode, limit: SqlNode): SqlNode {
  const modifier = { type: 'LIMIT_MODIFIER', limit, offset: null };
  return { ...query, modifiers: [...nodesOf(query['modifiers']), modifier] };
}

/** A query as a relation of a FROM. */
export function subquery(node: SqlNode, parameters: unknown, alias: string): SqlNode {
  return {
    type: 'SUBQUERY',
    alias,
    sample: null,
    query_location: 0,
    subquery: { node, named_param_map: parameters },
    column_name_alias: [],
  };
}

/** A query as an expression that gives one value. */
export function scalarSubquery(node: SqlNode): SqlNode {
  return {
    class: 'SUBQUERY',
    type: 'SUBQUERY',
    alias: '',
    query_location: 0,
    subquery_type: 'SCALAR',
    subquery: { node, named_param_map: [] },
    child: null,
    comparison_type: 'INVALID',
  };
}

/** Thrown for a query that the planner cannot plan; `message` is the reason, for EXPLAIN. */
export class Unplannable extends Error {}

/** Errors of questions. They end the statement, also those of the SQL of a cascade. */
const ofQuestions = new WeakSet<Error>();

/** What `asked` gives; its error is never a reason. */
export async function ofQuestion<T>(asked: Promise<T>): Promise<T> {
  try {
    return await asked;
  } catch (thrown) {
    if (thrown instanceof Error) ofQuestions.add(thrown);
    throw thrown;
  }
}

/** True for an error that means that a query cannot be planned, not that it fails. */
export function isReason(thrown: unknown): thrown is Error {
  if (thrown instanceof Unplannable) return true;
  const isSql = thrown instanceof RvbbitError && thrown.code === 'RVB_SQL';
  return isSql && !ofQuestions.has(thrown);
}
