/** SQL's three-valued logic over answers: what a condition is for one row, as far as the answers tell. */
import type { SqlNode } from '../../duck/parse-sql.ts';
import type { Tuple } from '../ask/answer-book.ts';
import { holds, nodesOf, Unplannable } from '../plan/query-tree.ts';
import { type OperatorUse, readAnswer } from '../read/use.ts';

/** `undefined` is not known yet. */
export type Truth = boolean | null | undefined;

/** What a condition is made of: an operator, or what DuckDB computes of a row. */
export type Leaf =
  | { readonly kind: 'operator'; readonly use: OperatorUse; readonly args: readonly SqlNode[] }
  | { readonly kind: 'plain'; readonly expression: SqlNode };

/** A condition that JavaScript decides: leaves under AND, OR, NOT, CASE and COALESCE. */
export type Condition =
  | Leaf
  | {
      readonly kind: 'case';
      readonly checks: readonly { readonly when: Condition; readonly gives: Condition }[];
      readonly otherwise: Condition;
    }
  | { readonly kind: 'not'; readonly of: Condition }
  /** COALESCE: the first that is not NULL. */
  | { readonly kind: 'first'; readonly of: readonly Condition[] }
  | { readonly kind: 'all' | 'any'; readonly of: readonly Condition[] };

/** The condition that an expression is. Throws Unplannable where DuckDB alone can decide it. */
export function conditionOf(
  expression: SqlNode,
  useOf: (node: SqlNode) => OperatorUse | undefined,
): Condition {
  const use = useOf(expression);
  const children = nodesOf(expression['children']);
  const isOperator = (node: SqlNode) => useOf(node) !== undefined;
  if (use !== undefined) {
    if (holds(children, isOperator)) {
      throw new Unplannable('an operator stands in the argument of another');
    }
    return { kind: 'operator', use, args: children };
  }
  if (!holds(expression, isOperator)) return { kind: 'plain', expression };
  switch (expression['type']) {
    case 'OPERATOR_NOT':
      return { kind: 'not', of: conditionOf(children[0]!, useOf) };
    case 'OPERATOR_COALESCE':
      return { kind: 'first', of: children.map((child) => conditionOf(child, useOf)) };
    case 'CONJUNCTION_AND':
      return { kind: 'all', of: children.map((child) => conditionOf(child, useOf)) };
    case 'CONJUNCTION_OR':
      return { kind: 'any', of: children.map((child) => conditionOf(child, useOf)) };
    case 'CASE_EXPR':
      return {
        kind: 'case',
        checks: nodesOf(expression['case_checks']).map((check) => ({
          when: conditionOf(check['when_expr'] as SqlNode, useOf),
          gives: conditionOf(check['then_expr'] as SqlNode, useOf),
        })),
        otherwise: conditionOf(expression['else_expr'] as SqlNode, useOf),
      };
    default:
      throw new Unplannable(
        'a condition is more than operators under AND, OR, NOT, CASE and COALESCE',
      );
  }
}

/** The leaves of a condition, in the order in which they stand. */
export function leavesOf(condition: Condition): readonly Leaf[] {
  switch (condition.kind) {
    case 'operator':
    case 'plain':
      return [condition];
    case 'not':
      return leavesOf(condition.of);
    case 'case':
      return [
        ...condition.checks.flatMap(({ when, gives }) => [...leavesOf(when), ...leavesOf(gives)]),
        ...leavesOf(condition.otherwise),
      ];
    default:
      return condition.of.flatMap(leavesOf);
  }
}

/** What a row's condition is. `tupleOf` gives a leaf's values in that row, undefined where one is NULL. */
export function truthOf(
  condition: Condition,
  tupleOf: (leaf: Leaf) => Tuple | undefined,
  onMissing: (use: OperatorUse, tuple: Tuple) => void,
): Truth {
  switch (condition.kind) {
    case 'operator': {
      const tuple = tupleOf(condition);
      if (tuple === undefined) return null;
      const answer = condition.use.book.answerOf(tuple);
      if (answer === undefined) {
        onMissing(condition.use, tuple);
        return undefined;
      }
      const value = readAnswer(condition.use, answer);
      return value === null ? null : Boolean(value);
    }
    case 'plain': {
      const tuple = tupleOf(condition);
      return tuple === undefined ? null : Boolean(tuple[0]);
    }
    case 'case': {
      for (const { when, gives } of condition.checks) {
        const truth = truthOf(when, tupleOf, onMissing);
        if (truth === undefined) return undefined;
        if (truth === true) return truthOf(gives, tupleOf, onMissing);
      }
      return truthOf(condition.otherwise, tupleOf, onMissing);
    }
    case 'not': {
      const truth = truthOf(condition.of, tupleOf, onMissing);
      return truth === null || truth === undefined ? truth : !truth;
    }
    case 'first':
      for (const part of condition.of) {
        const truth = truthOf(part, tupleOf, onMissing);
        if (truth !== null) return truth;
      }
      return null;
    default: {
      const decisive = condition.kind === 'any';
      let sum: Truth = !decisive;
      for (const part of condition.of) {
        const truth = truthOf(part, tupleOf, onMissing);
        if (truth === decisive) return decisive;
        // What follows is looked at only once this is known: it may then not be needed.
        if (truth === undefined) return undefined;
        if (truth === null) sum = null;
      }
      return sum;
    }
  }
}
