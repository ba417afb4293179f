/** Tells whether a condition that was decided with NULL for missing answers keeps its value once the answers come. */
import type { SqlNode } from '../../duck/parse-sql.ts';
import { holds, isNode, nodesOf } from '../plan/query-tree.ts';
import { booleanOf } from '../plan/tree-logic.ts';
import type { Condition, Opaque } from './truth.ts';

/**
 * True if a condition that is `value` with NULL for missing answers can never turn out otherwise. `COALESCE(d MEANS
 * 'x', TRUE)` that is TRUE for a missing answer can: the answer may be FALSE.
 */
export function isCertain(condition: Condition, value: boolean): boolean {
  switch (condition.kind) {
    case 'operator':
    case 'plain':
    case 'value':
      return true;
    case 'opaque':
      return isKnownOnly(condition.expression, condition, value);
    case 'not':
      return isCertain(condition.of, !value);
    case 'all':
    case 'any':
    case 'each':
      return condition.of.every((part) => isCertain(part, value));
    case 'first':
      return condition.of.every((part, index) => {
        // A missing answer looks like a NULL one, and leads on to the parts that follow.
        const misleads = part.kind !== 'plain' && mayBe(condition.of.slice(index + 1), value);
        return !misleads && isCertain(part, value);
      });
    default: {
      const { checks, otherwise } = condition;
      const gives = [...checks.map((check) => check.gives), otherwise];
      const areChecked = checks.every(({ when }, index) => {
        const misleads = literalOf(gives[index]!) !== value && mayBe(gives.slice(index + 1), value);
        return when.kind === 'plain' || (!misleads && isCertain(when, true));
      });
      return areChecked && gives.every((part) => isCertain(part, value));
    }
  }
}

/** Whether an expression around operators can be `value` only if all answers in it are known. */
function isKnownOnly(expression: SqlNode, opaque: Opaque, value: boolean): boolean {
  const isOperator = (node: SqlNode) => opaque.operators.some(({ node: own }) => own === node);
  const { type, left, right } = expression;
  if (type === 'COMPARE_NOT_DISTINCT_FROM' || type === 'COMPARE_DISTINCT_FROM') {
    const isLiteral = [left, right].some(isNotNull);
    const whenKnown = type === 'COMPARE_NOT_DISTINCT_FROM';
    return (
      value === whenKnown && isLiteral && [left, right].every((side) => isStrict(side, isOperator))
    );
  }
  return isStrict(expression, isOperator);
}

/** Operator functions that are NULL if any of their operands is. `||` is not among them: for lists it is not NULL then. */
const STRICT_FUNCTIONS: ReadonlySet<string> = new Set([
  '+',
  '-',
  '*',
  '/',
  '//',
  '%',
  '**',
  '^',
  '~~',
  '!~~',
  '~~*',
  '!~~*',
]);

/** Whether an expression is NULL if any operator in it is NULL. */
function isStrict(expression: unknown, isOperator: (node: SqlNode) => boolean): boolean {
  if (!isNode(expression) || !holds(expression, isOperator) || isOperator(expression)) return true;
  const areStrict = (...parts: readonly unknown[]) =>
    parts.every((part) => isStrict(part, isOperator));
  const { class: kind, type, left, right, child, input, lower, upper } = expression;
  const children = nodesOf(expression['children']);
  switch (kind) {
    case 'COMPARISON':
      return !/DISTINCT_FROM$/.test(String(type)) && areStrict(left, right);
    case 'CAST':
      return areStrict(child);
    case 'BETWEEN':
      // If one bound is NULL, the other may still decide.
      return areStrict(input) && !holds([lower, upper], isOperator);
    case 'FUNCTION':
      return STRICT_FUNCTIONS.has(String(expression['function_name'])) && areStrict(...children);
    case 'OPERATOR': {
      const isList = type === 'COMPARE_IN' || type === 'COMPARE_NOT_IN';
      return isList && areStrict(children[0]) && !holds(children.slice(1), isOperator);
    }
    default:
      return false;
  }
}

function isNotNull(node: unknown): boolean {
  return isNode(node) && typeof booleanOf(node) === 'boolean';
}

function mayBe(conditions: readonly Condition[], value: boolean): boolean {
  return conditions.map(literalOf).some((literal) => literal === undefined || literal === value);
}

/** The value of a literal condition; undefined for a condition that is no literal. */
function literalOf(condition: Condition): boolean | null | undefined {
  return condition.kind === 'plain' ? booleanOf(condition.expression) : undefined;
}
