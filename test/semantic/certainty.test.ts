/** What is certain of a condition whose answers are missing, beside all that it may turn out to be. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Operator } from '../../src/operators/operator.ts';
import { AnswerBook } from '../../src/semantic/ask/answer-book.ts';
import { isCertain } from '../../src/semantic/judge/certainty.ts';
import { type Condition, type Leaf, leavesOf, truthOf } from '../../src/semantic/judge/truth.ts';
import { columnRef } from '../../src/semantic/plan/query-tree.ts';
import { literal } from '../../src/semantic/plan/tree-logic.ts';
import type { OperatorUse } from '../../src/semantic/read/use.ts';
import { cases, reportCases, seed } from '../support/cases.ts';

type Value = boolean | null;

const VALUES: readonly Value[] = [true, false, null];
const book = new AnswerBook({ symmetric: false } as Operator);
for (const value of [true, false]) book.answer([value], value);
const use = { book, reading: 'value' } as unknown as OperatorUse;

const { condition } = fc.letrec<{ condition: Condition; few: Condition[] }>((tie) => ({
  few: fc.array(tie('condition'), { minLength: 1, maxLength: 2 }),
  condition: fc.oneof(
    { maxDepth: 3 },
    fc.constant(null).map((): Condition => ({ kind: 'operator', use, args: [], node: {} })),
    fc.constant(null).map((): Condition => ({ kind: 'plain', expression: columnRef('c') })),
    fc
      .constantFrom(...VALUES)
      .map((value): Condition => ({ kind: 'plain', expression: literal(value) })),
    tie('condition').map((of): Condition => ({ kind: 'not', of })),
    fc
      .tuple(fc.constantFrom('all' as const, 'any' as const, 'first' as const), tie('few'))
      .map(([kind, of]): Condition => ({ kind, of })),
    fc.tuple(tie('condition'), tie('condition'), tie('condition')).map(
      ([when, gives, otherwise]): Condition => ({
        kind: 'case',
        checks: [{ when, gives }],
        otherwise,
      }),
    ),
  ),
}));

test('calls nothing certain that an answer may change', () => {
  let certain = 0;
  const runs = cases(1_000, 20_000);
  fc.assert(
    fc.property(condition, fc.boolean(), (one, value) => {
      const leaves = leavesOf(one);
      fc.pre(leaves.length < 7);
      if (!isCertain(one, value)) return;
      certain += 1;
      for (const real of assignments(leaves)) {
        for (const seen of withMissing(real)) {
          if (booleanOf(one, seen) === value) assert.is(booleanOf(one, real), value);
        }
      }
    }),
    { numRuns: runs, seed },
  );
  reportCases(runs, `conditions, of which ${certain} certain`);
  assert.ok(certain > runs / 3);
});

/** The condition with leaves of these values, each leaf being one of its own. */
function booleanOf(one: Condition, values: ReadonlyMap<Leaf, Value>): Value | undefined {
  const tupleOf = (leaf: Leaf) => {
    const value = values.get(leaf) ?? null;
    return value === null ? undefined : [value];
  };
  return truthOf(one, tupleOf, () => {});
}

/** Every way in which the leaves may be; a literal is what it says. */
function assignments(leaves: readonly Leaf[]): readonly ReadonlyMap<Leaf, Value>[] {
  const possible = (leaf: Leaf): readonly Value[] => {
    if (leaf.kind === 'operator' || leaf.expression['class'] !== 'CONSTANT') return VALUES;
    const { value, is_null: isNull } = leaf.expression['value'] as Record<string, Value>;
    return [isNull === true ? null : value!];
  };
  return leaves.reduce<Map<Leaf, Value>[]>(
    (all, leaf) =>
      all.flatMap((one) => possible(leaf).map((value) => new Map([...one, [leaf, value]]))),
    [new Map()],
  );
}

/** The same with NULL for some of the answers. */
function withMissing(real: ReadonlyMap<Leaf, Value>): readonly ReadonlyMap<Leaf, Value>[] {
  const asked = [...real.keys()].filter(({ kind }) => kind === 'operator');
  return asked.reduce<ReadonlyMap<Leaf, Value>[]>(
    (all, leaf) => all.flatMap((one) => [one, new Map([...one, [leaf, null] as const])]),
    [real],
  );
}

test.run();
