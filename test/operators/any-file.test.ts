/** Whatever stands in a file of `operators/`: it is an operator or it is broken, and no other operator minds. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { checkCall, signatureOf } from '../../src/operators/check-call.ts';
import { loadOperators } from '../../src/operators/load-operators.ts';
import { cases, reportCases, seed } from '../support/cases.ts';
import { makeRoot, put } from './support.ts';

const name = fc.constantFrom('text', 'other', 'n', 'Text', '__proto__', 'constructor', '');
const type = fc.constantFrom('VARCHAR', 'BOOLEAN', 'double', 'INT[]', 'DECIMAL(4,2)', 'TXT', '');
const word = fc.constantFrom('RHYMES', 'MEANS', 'WITH', 'TO', 'LIKE', 'not', '~', 'x y');
const spelling = fc.oneof(
  fc.tuple(name, word, name).map(([left, words, right]) => `{${left}} ${words} {${right}}`),
  fc
    .tuple(word, fc.array(name, { maxLength: 3 }))
    .map(([called, slots]) => `${called}(${slots.map((slot) => `{${slot}}`).join(', ')})`),
  fc.string({ maxLength: 20 }),
);
const odd = fc.jsonValue({ maxDepth: 1 });
const arg = fc.record({ name, type, optional: fc.boolean() }, { requiredKeys: ['name', 'type'] });

/** Mostly what a good file has. */
function mostly(good: unknown, ...others: readonly fc.Arbitrary<unknown>[]): fc.Arbitrary<unknown> {
  const rest = [...others, odd].map((arbitrary) => ({ weight: 1, arbitrary }));
  return fc.oneof({ weight: 8, arbitrary: fc.constant(good) }, ...rest);
}

const ARGS = [
  { name: 'text', type: 'VARCHAR' },
  { name: 'other', type: 'VARCHAR' },
];

const sqlFunction = fc.record({
  name: mostly('RHYMES', fc.constantFrom('means', 'CAST', 'semantic_', 'semantic_x')),
  shape: mostly('SCALAR', fc.constantFrom('AGGREGATE', 'DIMENSION', 'TABLE')),
  returns: mostly('DOUBLE', type),
  minimum: mostly(0, fc.integer()),
  maximum: mostly(1, fc.integer()),
  args: mostly(ARGS, fc.array(fc.oneof(arg, arg, odd), { maxLength: 4 })),
  operators: mostly(['{text} RHYMES {other}'], fc.array(fc.oneof(spelling, odd), { maxLength: 3 })),
  symmetric: mostly(false, fc.boolean()),
  deterministic: mostly(true, fc.boolean()),
});

const file = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .tuple(
        sqlFunction,
        fc.option(fc.dictionary(name, odd, { maxKeys: 3 }), { nil: undefined, freq: 1 }),
      )
      .map(([declared, schema]) =>
        JSON.stringify({
          sql_function: declared,
          ...(schema === undefined ? {} : { inputs_schema: schema }),
          cells: [{ name: 'a', tool: 'js', inputs: { code: 'return true' } }],
        }),
      ),
  },
  { weight: 1, arbitrary: fc.string({ maxLength: 60 }) },
);

test('any file is an operator or broken, and the others stay', async () => {
  const root = makeRoot({});
  const runs = cases(100, 5_000);
  reportCases(runs, 'operator files');
  let good = 0;
  await fc.assert(
    fc.asyncProperty(file, async (text) => {
      put(root, 'any.yaml', text);
      const { operators, broken, files } = await loadOperators(root);
      const [mine] = [...files].find(([, path]) => path === 'operators/any.yaml') ?? [];
      if (mine === undefined) return;
      const operator = operators.get(mine)!;
      const error = broken.get(mine);
      assert.ok(operators.get('SOUNDS_LIKE')!.cascade);
      if (error !== undefined) {
        assert.match(error.message, 'operators/any.yaml');
        assert.throws(
          () => operator.cascade,
          (thrown: unknown) => thrown === error,
        );
        return;
      }
      good += 1;
      assert.match(signatureOf(operator), ` → ${operator.returns}`);
      assert.is(
        checkCall(
          operator,
          operator.args.map(({ type: each }) => each),
        ),
        undefined,
      );
      assert.ok(checkCall(operator, []));
    }),
    { numRuns: runs, seed },
  );
  assert.ok(good > runs / 50, `${good} files were operators`);
});

test.run();
