/** Computes an expression from answers alone: once for each answer, not for each row. */
import type { SqlNode } from '../../duck/parse-sql.ts';
import { isNode, nodesOf } from '../plan/query-tree.ts';
import { caseOf, literal, negated } from '../plan/tree-logic.ts';

/**
 * The expression with `answerOf` of each look-up in its place; NULL where an answer that it takes is missing or NULL.
 * Undefined if it holds more than look-ups, logic and literals. `isFilter`: only TRUE counts.
 */
export function overAnswers(
  node: SqlNode,
  answerOf: (lookUp: SqlNode) => SqlNode | undefined,
  isFilter: boolean,
): SqlNode | undefined {
  const answer = answerOf(node);
  if (answer !== undefined) return answer;
  if (isLiteral(node)) return isNull(node) ? nullOr(isFilter) : { ...node, alias: '' };
  const children = nodesOf(node['children']);
  switch (node['type']) {
    case 'OPERATOR_NOT': {
      const of = overAnswers(children[0]!, answerOf, false);
      return of && negated(of);
    }
    case 'CONJUNCTION_AND':
    case 'CONJUNCTION_OR': {
      const parts = children.flatMap((child) => overAnswers(child, answerOf, isFilter) ?? []);
      return parts.length < children.length ? undefined : { ...node, alias: '', children: parts };
    }
    case 'CASE_EXPR':
      return nodesOf(node['case_checks']).reduceRight<SqlNode | undefined>(
        (rest, check) => {
          const when = overAnswers(check['when_expr'] as SqlNode, answerOf, true);
          const then = overAnswers(check['then_expr'] as SqlNode, answerOf, isFilter);
          if (when === undefined || then === undefined || rest === undefined) return undefined;
          // If the condition is NULL, its answer may be missing, and the branch is not known: the result is NULL.
          return caseOf(when, then, caseOf(negated(when), rest, literal(null)));
        },
        overAnswers(node['else_expr'] as SqlNode, answerOf, isFilter),
      );
    default:
      return undefined;
  }
}

/** In a filter, a NULL literal leaves a row out as FALSE does; elsewhere it would look like a missing answer. */
function nullOr(isFilter: boolean): SqlNode | undefined {
  return isFilter ? literal(false) : undefined;
}

/** Whether the node is a constant, or a cast of one, as TRUE and FALSE are written. */
function isLiteral(node: SqlNode): boolean {
  if (node['class'] === 'CONSTANT') return true;
  return node['class'] === 'CAST' && isNode(node['child']) && isLiteral(node['child']);
}

function isNull(node: SqlNode): boolean {
  if (node['class'] === 'CAST') return isNull(node['child'] as SqlNode);
  return isNode(node['value']) && node['value']['is_null'] === true;
}
