/** The arguments of a call, as the lexemes tell them. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { callArguments } from '../../grammar/semantic/call-arguments.ts';
import { findOperators } from '../../grammar/semantic/find-operators.ts';

const vocabulary = {
  infix: [],
  operatorOfFunction: (name: string) => (name.toLowerCase() === 'f' ? 'F' : undefined),
};

/** The arguments of each call of `f` in a text, as written. */
function argumentsIn(source: string): readonly (readonly string[])[] {
  return findOperators(source, vocabulary).map((span) =>
    callArguments(source, span).map(({ span: { start, end } }) => source.slice(start, end)),
  );
}

test('they end at the commas of the call, and at no others', () => {
  for (const [source, expected] of [
    ['SELECT f()', []],
    ['SELECT f( /* none */ )', []],
    ['SELECT f(a)', ['a']],
    ['SELECT f(\'a, b\', "c, d", $$e, f$$)', ["'a, b'", '"c, d"', '$$e, f$$']],
    [
      'SELECT f(g(a, b), [c, d][1], {x: 1, y: (2, 3)}) + 1',
      ['g(a, b)', '[c, d][1]', '{x: 1, y: (2, 3)}'],
    ],
    [
      'SELECT F (a::DECIMAL(10, 2), (SELECT b, c FROM t), x -> (x, 1))',
      ['a::DECIMAL(10, 2)', '(SELECT b, c FROM t)', 'x -> (x, 1)'],
    ],
    ['SELECT f(a, -- one, two\n b)', ['a', 'b']],
    ['SELECT f(a, b', ['a']],
    ["SELECT f(a, 'b", ['a']],
  ] as const) {
    assert.equal(argumentsIn(source), [expected], source);
  }
  assert.equal(argumentsIn('SELECT f(f(a, b), c), f(d)'), [['f(a, b)', 'c'], ['a', 'b'], ['d']]);
});

test('a text literal is told from all else', () => {
  const literal = (argument: string) => {
    const source = `SELECT f(${argument})`;
    return callArguments(source, findOperators(source, vocabulary)[0]!)[0]?.literal;
  };
  for (const [argument, expected] of [
    ["'x.yaml'", 'x.yaml'],
    ["'it''s'", "it's"],
    ["E'a\\'b'", "a'b"],
    ['$$x$$', 'x'],
    ["/* c */ 'x' -- d\n", 'x'],
    ["'x' || 'y'", undefined],
    ["('x')", undefined],
    ["'x'::VARCHAR", undefined],
    ['"x"', undefined],
    ['x', undefined],
    ['$1', undefined],
    ["p := 'x'", undefined],
  ] as const) {
    assert.is(literal(argument), expected, argument);
  }
});

test('a name before := or => is told', () => {
  const source = 'SELECT f(a := 1, "b c" => 2, d = 3, e -> 4)';
  const [span] = findOperators(source, vocabulary);
  assert.equal(
    callArguments(source, span!).map(({ name }) => name),
    ['a', '"b c"', undefined, undefined],
  );
});

test.run();
