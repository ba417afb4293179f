/** Answers as values of the operator's type: exactly that, or a failure. */
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Cascade } from '../../src/cascade/cascade.ts';
import { Engine } from '../../src/index.ts';
import { convertAnswer } from '../../src/operators/convert-answer.ts';
import type { Json } from '../../src/util/json.ts';
import { cases, reportCases, seed } from '../support/cases.ts';

const NONE = 'RVB_TYPE_MISMATCH';

function convert(returns: string, answer: Json, bounds: object = {}): Json | typeof NONE {
  const cascade = { sqlFunction: bounds } as unknown as Cascade;
  const converted = convertAnswer({ name: 'OP', returns, cascade }, answer);
  if (converted.ok) return converted.value;
  assert.is(converted.error.code, NONE);
  assert.match(converted.error.message, /^OP gives /);
  return NONE;
}

const TABLE: readonly (readonly [string, Json, Json])[] = [
  ['BOOLEAN', true, true],
  ['BOOLEAN', 'TRUE', true],
  ['BOOLEAN', ' False\n', false],
  ['BOOLEAN', '```json\nfalse\n```', false],
  ['BOOLEAN', '```\ntrue\n```', true],
  ['BOOLEAN', null, null],
  ['BOOLEAN', 'yes', NONE],
  ['BOOLEAN', 'true.', NONE],
  ['BOOLEAN', 'True, because …', NONE],
  ['BOOLEAN', 1, NONE],
  ['BOOLEAN', '1', NONE],
  ['BOOLEAN', '', NONE],
  ['BOOLEAN', { error: 'x' }, NONE],
  ['BOOLEAN', [true], NONE],
  ['BOOLEAN', '```\n```\ntrue\n```\n```', NONE],
  ['DOUBLE', 0.25, 0.25],
  ['DOUBLE', '0.25', 0.25],
  ['DOUBLE', '-1e3', -1000],
  ['DOUBLE', '1e999', NONE],
  ['DOUBLE', '0,25', NONE],
  ['DOUBLE', '.5', NONE],
  ['DOUBLE', '5.', NONE],
  ['DOUBLE', '0x10', NONE],
  ['DOUBLE', 'NaN', NONE],
  ['DOUBLE', 'Infinity', NONE],
  ['DOUBLE', '80%', NONE],
  ['DOUBLE', true, NONE],
  ['DOUBLE', '', NONE],
  ['FLOAT', 1e39, NONE],
  ['INTEGER', 7, 7],
  ['INTEGER', '7', 7],
  ['INTEGER', 1.5, NONE],
  ['INTEGER', '1.0', NONE],
  ['INTEGER', '007', NONE],
  ['INTEGER', 2 ** 31, NONE],
  ['UTINYINT', -1, NONE],
  ['UTINYINT', 255, 255],
  ['BIGINT', '9007199254740993', '9007199254740993'],
  ['BIGINT', 9007199254740992, NONE],
  ['BIGINT', '9223372036854775808', NONE],
  [
    'HUGEINT',
    '-170141183460469231731687303715884105728',
    '-170141183460469231731687303715884105728',
  ],
  ['DECIMAL(5,2)', '123.450', '123.45'],
  ['DECIMAL(5,2)', -0.5, '-0.5'],
  ['DECIMAL(5,2)', '1.005', NONE],
  ['DECIMAL(5,2)', '1234', NONE],
  ['DECIMAL(5,2)', '-0.00', '0'],
  ['DECIMAL(5,2)', true, NONE],
  ['VARCHAR', 'a text', 'a text'],
  ['VARCHAR', '  kept  ', '  kept  '],
  ['VARCHAR', '', ''],
  ['VARCHAR', '```\nfenced\n```', 'fenced'],
  ['VARCHAR', { a: [1] }, '{"a":[1]}'],
  ['VARCHAR', 5, '5'],
  ['DATE', '2024-02-29', '2024-02-29'],
  ['DATE', '2023-02-29', NONE],
  ['DATE', '29.02.2024', NONE],
  ['DATE', 20240229, NONE],
  ['TIME', '08:30', '08:30:00'],
  ['TIME', '24:00', NONE],
  ['TIMESTAMP', '2024-02-29T08:30:00', '2024-02-29 08:30:00'],
  ['TIMESTAMP', '2024-02-29', '2024-02-29 00:00:00'],
  ['TIMESTAMP', '2024-02-29T08:30:00Z', NONE],
  ['TIMESTAMP WITH TIME ZONE', '2024-02-29T08:30:00Z', '2024-02-29 08:30:00Z'],
  ['TIMESTAMP WITH TIME ZONE', '2024-02-29 08:30:00', NONE],
  ['UUID', 'F47AC10B-58CC-4372-A567-0E02B2C3D479', 'f47ac10b-58cc-4372-a567-0e02b2c3d479'],
  ['UUID', 'f47ac10b', NONE],
  ['JSON', { a: 1 }, '{"a":1}'],
  ['JSON', '[1, 2]', '[1,2]'],
  ['JSON', 'no JSON', NONE],
  ['VARCHAR[]', ['a', null], ['a', null]],
  ['VARCHAR[]', '["a"]', ['a']],
  ['VARCHAR[]', 'a', NONE],
  ['INTEGER[]', [1, 'two'], NONE],
  ['INTEGER[][]', [[1], []], [[1], []]],
];

for (const [type, answer, value] of TABLE) {
  test(`${type}: ${JSON.stringify(answer)}`, () => assert.equal(convert(type, answer), value));
}

test('a number outside minimum and maximum is none, in a list too', () => {
  const score = { minimum: 0, maximum: 1 };
  assert.is(convert('DOUBLE', 1, score), 1);
  assert.is(convert('DOUBLE', 1.01, score), NONE);
  assert.is(convert('DOUBLE', '-0.01', score), NONE);
  assert.is(convert('DOUBLE', 5, { maximum: 4 }), NONE);
  assert.is(convert('DOUBLE[]', [0, 2], score), NONE);
  assert.equal(convert('DOUBLE[]', [0, null], score), [0, null]);
});

test('a long answer is shown in part', () => {
  const converted = convertAnswer(
    { name: 'OP', returns: 'BOOLEAN', cascade: {} as Cascade },
    'x'.repeat(10_000),
  );
  assert.ok(!converted.ok && converted.error.message.length < 150);
});

test('no text becomes TRUE, FALSE or a number unless it is exactly that', () => {
  const words = fc.constantFrom(
    'true',
    'false',
    'yes',
    '1',
    '0',
    '0.5',
    'null',
    'NaN',
    '1e5',
    '```',
    '\n',
    ' ',
    '"',
    '.',
    '{',
    '}',
    '-',
  );
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: 'grapheme' }),
    fc
      .array(fc.oneof(words, fc.string({ maxLength: 3 })), { maxLength: 5 })
      .map((parts) => parts.join('')),
  );
  const runs = cases(500, 100_000);
  reportCases(runs, 'answers');
  fc.assert(
    fc.property(text, (answer) => {
      const bare = answer
        .trim()
        .replace(/^```[^\n`]*\n([\s\S]*?)\n?```$/, '$1')
        .trim();
      const asBoolean = convert('BOOLEAN', answer);
      const word = bare.toLowerCase();
      const expected = word === 'true' ? true : word === 'false' ? false : NONE;
      assert.equal(asBoolean, expected);
      for (const type of ['DOUBLE', 'INTEGER', 'DECIMAL(18,3)']) {
        const value = convert(type, answer);
        if (value === NONE) continue;
        assert.match(bare, /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/);
        assert.ok(Object.is(Number(value) + 0, Number(bare) + 0), `${type} ${answer} ${value}`);
      }
    }),
    { numRuns: runs, seed },
  );
});

test('no JSON but a boolean is a BOOLEAN, and none but a number or its text a number', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 2 }), (value) => {
      const answer = value as Json;
      if (typeof answer === 'string') return;
      const isBoolean = typeof answer === 'boolean' || answer === null;
      assert.is(convert('BOOLEAN', answer) === NONE, !isBoolean);
      const isNumber = typeof answer === 'number' || answer === null;
      assert.is(convert('DOUBLE', answer) === NONE, !isNumber);
    }),
    { numRuns: cases(300, 20_000), seed },
  );
});

test('what is converted is what DuckDB reads', async () => {
  await using engine = await Engine.open();
  for (const [type, , value] of TABLE) {
    if (value === NONE || value === null || Array.isArray(value)) continue;
    const literal = typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : String(value);
    const { rows } = await engine.query(
      `SELECT CAST(${literal} AS ${type}) = CAST(${literal} AS ${type}) AS same`,
    );
    assert.is(rows[0]!['same'], true, `${type} ${literal}`);
  }
});

test.run();
