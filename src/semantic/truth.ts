/** SQL's three-valued logic over answers: what a condition is for one row, as far as the answers tell. */
import type { SqlNode } from '../duck/parse-sql.ts';
import type { Tuple } from './answer-book.ts';
import { nodesOf, Unplannable } from './query-tree.ts';
import { type OperatorUse, readAnswer } from './use.ts';

/** `undefined` is not known yet. */
export type Truth = boolean | null | undefined;

/** A condition that JavaScript decides: operators under AND, OR and NOT. */
export type Condition =
  | { readonly kind: 'operator'; readonly use: OperatorUse; readonly args: readonly SqlNode[] }
  | { readonly kind: 'not'; readonly of: Condition }
  | { readonly kind: 'all' | 'any'; readonly of: readonly Condition[] };

/** The condition that an expression is. Throws Unplannable where DuckDB alone can decide it. */
export function conditionOf(
  expression: SqlNode,
  useOf: (node: SqlNode) => OperatorUse | undefined,
): Condition {
  const use = useOf(expression);
  const children = nodesOf(expression['children']);
  if (use !== undefined) return { kind: 'operator', use, args: children };
  switch (expression['type']) {
    case 'OPERATOR_NOT':
      return { kind: 'not', of: conditionOf(children[0]!, useOf) };
    case 'CONJUNCTION_AND':
      return { kind: 'all', of: children.map((child) => conditionOf(child, useOf)) };
    case 'CONJUNCTION_OR':
      return { kind: 'any', of: children.map((child) => conditionOf(child, useOf)) };
    default:
      throw new Unplannable('a condition is more than operators under AND, OR and NOT');
  }
}

/** The operators of a condition, in the order in which they stand. */
export function operatorsOf(
  condition: Condition,
): readonly Extract<Condition, { kind: 'operator' }>[] {
  if (condition.kind === 'operator') return [condition];
  const parts = condition.kind === 'not' ? [condition.of] : condition.of;
  return parts.flatMap(operatorsOf);
}

/** What a row's condition is. `tupleOf` gives an operator's arguments in that row, undefined where one is NULL. */
export function truthOf(
  condition: Condition,
  tupleOf: (operator: Extract<Condition, { kind: 'operator' }>) => Tuple | undefined,
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
    case 'not': {
      const truth = truthOf(condition.of, tupleOf, onMissing);
      return truth === null || truth === undefined ? truth : !truth;
    }
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
