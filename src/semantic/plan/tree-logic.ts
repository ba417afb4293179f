/** Builds and reads logic nodes of DuckDB's tree: CASE, NOT, IS NOT NULL, and literals. */
import type { SqlNode } from '../../duck/parse-sql.ts';
import { isNode } from './query-tree.ts';

/** CASE WHEN … THEN … ELSE … END. */
export function caseOf(when: SqlNode, then: SqlNode, otherwise: SqlNode): SqlNode {
  return {
    class: 'CASE',
    type: 'CASE_EXPR',
    alias: '',
    query_location: 0,
    case_checks: [{ when_expr: when, then_expr: then }],
    else_expr: otherwise,
  };
}

export function negated(condition: SqlNode): SqlNode {
  return {
    class: 'OPERATOR',
    type: 'OPERATOR_NOT',
    alias: '',
    query_location: 0,
    children: [condition],
  };
}

export function coalesce(children: readonly SqlNode[]): SqlNode {
  return { class: 'OPERATOR', type: 'OPERATOR_COALESCE', alias: '', query_location: 0, children };
}

export function isNotNull(expression: SqlNode): SqlNode {
  return {
    class: 'OPERATOR',
    type: 'OPERATOR_IS_NOT_NULL',
    alias: '',
    query_location: 0,
    children: [expression],
  };
}

/** A BOOLEAN or NULL literal. */
export function literal(value: boolean | null): SqlNode {
  const plain = {
    class: 'CONSTANT',
    type: 'VALUE_CONSTANT',
    alias: '',
    query_location: 0,
  };
  if (value === null) {
    return { ...plain, value: { type: { id: 'NULL', type_info: null }, is_null: true } };
  }
  // DuckDB's parser writes TRUE and FALSE as casts; a constant of the type is the same.
  return { ...plain, value: { type: { id: 'BOOLEAN', type_info: null }, is_null: false, value } };
}

/** The value of a BOOLEAN or NULL literal; undefined for any other node. */
export function booleanOf({ class: kind, child, value }: SqlNode): boolean | null | undefined {
  // DuckDB's parser writes TRUE as a cast of 't'.
  if (kind === 'CAST' && isNode(child)) return booleanOf(child);
  if (kind !== 'CONSTANT' || !isNode(value)) return undefined;
  if (value['is_null'] === true) return null;
  if (value['value'] === true || value['value'] === 't') return true;
  return value['value'] === false || value['value'] === 'f' ? false : undefined;
}

/** An AND or OR as CASE, where only TRUE counts: each part is evaluated only where the parts before it do not decide. */
export function asFilter(parts: readonly SqlNode[], isAnd: boolean): SqlNode {
  return parts.reduceRight((rest, part) =>
    isAnd ? caseOf(part, rest, literal(null)) : caseOf(part, literal(true), rest),
  );
}
