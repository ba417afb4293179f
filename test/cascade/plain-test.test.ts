/** What is decided without WebAssembly is what Jinja decides. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { evaluateWithJinja } from '../../src/cascade/jinja-host.ts';
import { decidePlainTest, parsePlainTest } from '../../src/cascade/plain-test.ts';
import { compileExpression, readPath, usedContext } from '../../src/cascade/template.ts';
import type { Json } from '../../src/util/json.ts';

const VALUES: readonly Json[] = [
  null,
  '',
  'a',
  'b',
  'none',
  0,
  1,
  2.5,
  -0,
  true,
  false,
  [],
  ['a'],
  {},
];
const TESTS = [
  'input.x is none',
  'input.x is not none',
  " input['x']  is   not  none ",
  "input.x == 'a'",
  'input.x != "a"',
  "input.x == ''",
  "input.x == 'none'",
  "input.x is not none and input.y == 'a'",
  "input.x == 'a' or input.y == 'b' or input.y is none",
  "outputs.x == 'a' and state.x != 'a'",
];

test('plain tests are decided as Jinja decides them', () => {
  let decided = 0;
  for (const text of TESTS) {
    const plain = parsePlainTest(text);
    assert.ok(plain, text);
    for (const x of VALUES) {
      for (const y of VALUES) {
        const context = { input: { x, y }, outputs: { x: y }, state: { x } };
        const quick = decidePlainTest(plain, (path) => readPath(context, path));
        if (quick === undefined) continue;
        decided += 1;
        const { references } = compileExpression(text);
        const told = evaluateWithJinja(text, usedContext(references, context));
        assert.is(quick, told, `${text} of ${JSON.stringify(context)}`);
      }
    }
  }
  assert.ok(decided > 1_000, `${decided}`);
});

test('what is not defined, and what is no value of one word, is left to Jinja', () => {
  const plain = parsePlainTest('input.x is none')!;
  for (const input of [{}, { x: [] }, { x: { y: 1 } }]) {
    assert.is(
      decidePlainTest(plain, (path) => readPath({ input, outputs: {}, state: {} }, path)),
      undefined,
    );
  }
});

test('other expressions are no plain tests', () => {
  const others = [
    '',
    'input.x',
    'input.x is nonesuch',
    'input.xis none',
    'input.x is none and',
    "input.x == 'a' and input.y == 'b' or input.z == 'c'",
    "input.x == 'a' 'b'",
    "input.x == 'it\\'s'",
    'input.x == 1',
    'not input.x is none',
    "input.x | upper == 'A'",
    "row.x == 'a'",
    'input[0] is none',
    "input.x == 'a' if input.y else true",
    "(input.x == 'a')",
  ];
  for (const text of others) assert.is(parsePlainTest(text), undefined, text);
});

test.run();
