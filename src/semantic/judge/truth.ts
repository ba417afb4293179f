/** SQL's three-valued logic over answers: the truth of a condition for one row, as far as the known answers tell. */
import type { SqlNode } from '../../duck/parse-sql.ts';
import type { Json } from '../../util/json.ts';
import type { Tuple } from '../ask/answer-book.ts';
import { holds, nodesOf, Unplannable } from '../plan/query-tree.ts';
import { type OperatorUse, readAnswer } from '../read/use.ts';

/** `undefined`: not known yet. */
export type Truth = boolean | null | undefined;

export interface OperatorLeaf {
  readonly kind: 'operator';
  readonly use: OperatorUse;
  readonly args: readonly SqlNode[];
  /** The operator's call in DuckDB's tree. */
  readonly node: SqlNode;
}

/**
 * A part of a condition with no further parts: an operator, or an expression that DuckDB computes from a row. Of these,
 * `plain` is a truth value, and `value` is any value.
 */
export type Leaf =
  | OperatorLeaf
  | { readonly kind: 'plain' | 'value'; readonly expression: SqlNode };

/**
 * An expression around operators that is not logic, such as `score(d) >= 4`. It stays open until all answers that it
 * needs are known. DuckDB then evaluates it, once for each combination of answers and of the other values in it.
 */
export interface Opaque {
  readonly kind: 'opaque';
  readonly expression: SqlNode;
  readonly needs: Condition;
  readonly operators: readonly OperatorLeaf[];
  /** The other columns in it. */
  readonly values: readonly Leaf[];
  /** The rowid, which stands for a row that has these values. */
  readonly rowid: Leaf;
  readonly verdicts: Map<string, boolean | null>;
  /** Combinations that were met and are not evaluated yet, each with the rowid of a row that has the combination. */
  readonly open: Map<string, string>;
}

/** A condition that JavaScript decides: leaves under AND, OR, NOT, CASE and COALESCE. */
export type Condition =
  | Leaf
  | Opaque
  | {
      readonly kind: 'case';
      readonly checks: readonly { readonly when: Condition; readonly gives: Condition }[];
      readonly otherwise: Condition;
    }
  | { readonly kind: 'not'; readonly of: Condition }
  /** COALESCE: the first part that is not NULL. */
  | { readonly kind: 'first'; readonly of: readonly Condition[] }
  /** `each`: TRUE as soon as all parts are known, whatever their values. */
  | { readonly kind: 'all' | 'any' | 'each'; readonly of: readonly Condition[] };

type UseOf = (node: SqlNode) => OperatorUse | undefined;

/** Reads an expression as a condition; `other` makes one of an expression that is not logic. Throws Unplannable. */
export function conditionOf(
  expression: SqlNode,
  useOf: UseOf,
  other: (expression: SqlNode, useOf: UseOf) => Condition = refuseOther,
): Condition {
  const partOf = (part: SqlNode) => conditionOf(part, useOf, other);
  const use = useOf(expression);
  const children = nodesOf(expression['children']);
  const isOperator = (node: SqlNode) => useOf(node) !== undefined;
  if (use !== undefined) {
    if (holds(children, isOperator)) {
      throw new Unplannable('an operator stands in the argument of another');
    }
    return { kind: 'operator', use, args: children, node: expression };
  }
  if (!holds(expression, isOperator)) return { kind: 'plain', expression };
  switch (expression['type']) {
    case 'OPERATOR_NOT':
      return { kind: 'not', of: partOf(children[0]!) };
    case 'OPERATOR_COALESCE':
      return { kind: 'first', of: children.map(partOf) };
    case 'CONJUNCTION_AND':
      return { kind: 'all', of: children.map(partOf) };
    case 'CONJUNCTION_OR':
      return { kind: 'any', of: children.map(partOf) };
    case 'CASE_EXPR':
      return {
        kind: 'case',
        checks: nodesOf(expression['case_checks']).map((check) => ({
          when: partOf(check['when_expr'] as SqlNode),
          gives: partOf(check['then_expr'] as SqlNode),
        })),
        otherwise: partOf(expression['else_expr'] as SqlNode),
      };
    default:
      return other(expression, useOf);
  }
}

function refuseOther(): never {
  throw new Unplannable('a condition is more than operators under AND, OR, NOT, CASE and COALESCE');
}

/** The opaque parts of a condition. */
export function opaquesOf(condition: Condition): readonly Opaque[] {
  switch (condition.kind) {
    case 'opaque':
      return [...opaquesOf(condition.needs), condition];
    case 'operator':
    case 'plain':
    case 'value':
      return [];
    case 'not':
      return opaquesOf(condition.of);
    case 'case':
      return [
        ...condition.checks.flatMap(({ when, gives }) => [...opaquesOf(when), ...opaquesOf(gives)]),
        ...opaquesOf(condition.otherwise),
      ];
    default:
      return condition.of.flatMap(opaquesOf);
  }
}

/** The leaves of a condition, from left to right. */
export function leavesOf(condition: Condition): readonly Leaf[] {
  switch (condition.kind) {
    case 'operator':
    case 'plain':
    case 'value':
      return [condition];
    case 'opaque':
      return [...leavesOf(condition.needs), ...condition.values, condition.rowid];
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

/** The truth of the condition in a row. `tupleOf` gives a leaf's values in that row; undefined if one is NULL. */
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
    case 'plain':
    case 'value': {
      const tuple = tupleOf(condition);
      return tuple === undefined ? null : Boolean(tuple[0]);
    }
    case 'opaque':
      return verdictOf(condition, tupleOf, onMissing);
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
    case 'each': {
      const truths = condition.of.map((part) => truthOf(part, tupleOf, onMissing));
      return truths.includes(undefined) ? undefined : true;
    }
    default: {
      const decisive = condition.kind === 'any';
      let sum: Truth = !decisive;
      for (const part of condition.of) {
        const truth = truthOf(part, tupleOf, onMissing);
        if (truth === decisive) return decisive;
        // The parts that follow wait until this part is known: they may then not be needed.
        if (truth === undefined) return undefined;
        if (truth === null) sum = null;
      }
      return sum;
    }
  }
}

/**
 * The result that DuckDB gave for a row's combination of values. If DuckDB has not evaluated it yet: undefined, and the
 * combination is noted as open.
 */
function verdictOf(
  opaque: Opaque,
  tupleOf: (leaf: Leaf) => Tuple | undefined,
  onMissing: (use: OperatorUse, tuple: Tuple) => void,
): Truth {
  if (truthOf(opaque.needs, tupleOf, onMissing) === undefined) return undefined;
  const answers = opaque.operators.map((leaf): Json => {
    const tuple = tupleOf(leaf);
    const answer = tuple === undefined ? null : leaf.use.book.answerOf(tuple);
    // An answer that is not needed may be missing or there; the result is the same.
    return answer === undefined ? [] : typeof answer === 'bigint' ? String(answer) : answer;
  });
  const key = JSON.stringify([answers, opaque.values.map(tupleOf)]);
  const verdict = opaque.verdicts.get(key);
  if (verdict === undefined) opaque.open.set(key, String(tupleOf(opaque.rowid)?.[0]));
  return verdict;
}
