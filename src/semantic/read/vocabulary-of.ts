/** The words that a registry's operators are written with, and the names of functions that run any cascade. */
import type { InfixSpelling, Vocabulary } from '../../../grammar/semantic/vocabulary.ts';
import { criterionFirstOf } from '../../operators/criterion-first.ts';
import type { OperatorRegistry } from '../../operators/operator.ts';
import { seedFunctionOf } from '../../operators/seed-call.ts';

const NEGATABLE = /^(BOOLEAN|DOUBLE|FLOAT|REAL|DECIMAL)/i;

export function vocabularyOf(registry: OperatorRegistry): Vocabulary {
  const infix: InfixSpelling[] = [];
  for (const { name, patterns, returns } of registry.operators.values()) {
    for (const { words } of patterns) {
      infix.push({ operator: name, words, negatable: NEGATABLE.test(returns) });
    }
  }
  return {
    infix,
    operatorOfFunction: (name) =>
      registry.byFunction(name)?.name ?? seedFunctionOf(name) ?? criterionFirstOf(name),
  };
}
