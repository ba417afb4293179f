/** The answers that have to be known before DuckDB can evaluate an expression around operators. */
import type { SqlNode } from '../../duck/parse-sql.ts';
import { ROWID } from '../plan/candidates.ts';
import { columnRef, holds, isNode, nodesOf } from '../plan/query-tree.ts';
import { caseOf, isNotNull, literal } from '../plan/tree-logic.ts';
import type { OperatorUse } from '../read/use.ts';
import { type Condition, conditionOf, type Leaf, leavesOf, type Opaque } from './truth.ts';

type UseOf = (node: SqlNode) => OperatorUse | undefined;

const NOTHING: Condition = { kind: 'each', of: [] };

/**
 * The expression as a leaf that DuckDB evaluates over a staged table. Throws Unplannable if operators are nested in one
 * another.
 */
export function opaqueOf(expression: SqlNode, useOf: UseOf): Opaque {
  const needs: Condition = { kind: 'each', of: needsIn(Object.values(expression), useOf) };
  const values = new Map<string, Leaf>();
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) for (const item of value) walk(item);
    if (!isNode(value) || useOf(value) !== undefined) return;
    if (value['class'] === 'COLUMN_REF') {
      const names = value['column_names'];
      values.set(String(names), { kind: 'value', expression: columnRef(...(names as string[])) });
    } else {
      walk(Object.values(value));
    }
  };
  walk(expression);
  return {
    kind: 'opaque',
    expression,
    needs,
    operators: leavesOf(needs).filter((leaf) => leaf.kind === 'operator'),
    values: [...values.values()],
    rowid: { kind: 'value', expression: ROWID },
    verdicts: new Map(),
    open: new Map(),
  };
}

/**
 * The answers that the expression needs; an operator is needed only where those before it do not make it needless.
 * Throws Unplannable.
 */
export function needsOf(node: SqlNode, useOf: UseOf): Condition {
  if (!holds(node, (inner) => useOf(inner) !== undefined)) return NOTHING;
  const truth = (part: SqlNode) => conditionOf(part, useOf, opaqueOf);
  switch (node['type']) {
    case 'CONJUNCTION_AND':
    case 'CONJUNCTION_OR':
      return truth(node);
    case 'CASE_EXPR':
      return {
        kind: 'case',
        checks: nodesOf(node['case_checks']).map((check) => ({
          when: truth(check['when_expr'] as SqlNode),
          gives: needsOf(check['then_expr'] as SqlNode, useOf),
        })),
        otherwise: needsOf(node['else_expr'] as SqlNode, useOf),
      };
    case 'OPERATOR_COALESCE':
      return { kind: 'first', of: nodesOf(node['children']).map((part) => isThere(part, useOf)) };
    default:
      if (useOf(node) !== undefined) return truth(node);
      return { kind: 'each', of: needsIn(Object.values(node), useOf) };
  }
}

/** A condition that is NULL where the expression is NULL; otherwise it is TRUE or FALSE. */
function isThere(part: SqlNode, useOf: UseOf): Condition {
  if (useOf(part) !== undefined) return conditionOf(part, useOf, opaqueOf);
  const expression = caseOf(isNotNull(part), literal(true), literal(null));
  const asks = holds(part, (inner) => useOf(inner) !== undefined);
  return asks ? opaqueOf(expression, useOf) : { kind: 'plain', expression };
}

function needsIn(value: unknown, useOf: UseOf): readonly Condition[] {
  if (Array.isArray(value)) return value.flatMap((item) => needsIn(item, useOf));
  if (!isNode(value) || !holds(value, (inner) => useOf(inner) !== undefined)) return [];
  return [needsOf(value, useOf)];
}
