import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readJsonAnswer } from '../../src/model/json-answer.ts';
import type { Json } from '../../src/util/json.ts';
import { cases, reportCases, seed } from '../support/cases.ts';

const FENCE = '```';

test('a value is read strictly, from a fence, from prose, and in spite of small slips', () => {
  const read: readonly (readonly [string, Json])[] = [
    ['{"a":1}', { a: 1 }],
    [' 42 ', 42],
    ['"x"', 'x'],
    ['null', null],
    ['\uFEFF[1]', [1]],
    [`${FENCE}json\n{"a":1}\n${FENCE}`, { a: 1 }],
    [`${FENCE}\n42\n${FENCE}`, 42],
    [`${FENCE}json\n{"a":"${FENCE}x"}\n${FENCE}`, { a: `${FENCE}x` }],
    [`Here:\n${FENCE}json\n{"a":1}\n${FENCE}\nunlike {"b":2}`, { a: 1 }],
    [`${FENCE}json {"a":1} ${FENCE}`, { a: 1 }],
    ['Sure! {"a":{"b":[1,2]}} Enjoy.', { a: { b: [1, 2] } }],
    ['as in [1], {"a":"}"} is it', { a: '}' }],
    ['\\boxed{ {"a":1} }', { a: 1 }],
    ['{"a":1} and again {"a":1}', { a: 1 }],
    ['<think>{"a":2}?</think>\n{"a":1}', { a: 1 }],
    ['so {"a":2} it is</think>\n{"a":1}', { a: 1 }],
    ["{'a': 'it\\'s', 'b': '\\\\d'}", { a: "it's", b: '\\d' }],
    ["{'a': 'x', b: True, \"c\": None,}", { a: 'x', b: true, c: null }],
    ['{"a": 1, // one\n "b": [2,],}', { a: 1, b: [2] }],
    ['{"a":"two\nlines"}', { a: 'two\nlines' }],
    ['{ a: "b--//{" /* c */ }', { a: 'b--//{' }],
    ["['', \"b c'+'<[==\"]", ['', "b c'+'<[=="]],
    ['{"a":1,"a":2}', { a: 2 }],
  ];
  for (const [text, value] of read) {
    assert.equal(readJsonAnswer(text), { ok: true, value }, text);
  }
});

test('prose, guesses, what is cut off and what is ambiguous are refused', () => {
  const refused = [
    '',
    'The answer is 42.',
    'yes',
    'Use {name} and [see below]',
    '{note: this is prose}',
    '[a: 1]',
    'a set {1, 2}',
    '{"price": 1,299}',
    '[1,000]',
    '{"n": 007}',
    '{"a": "he said "hi" to me"}',
    '{"a": 1, ...}',
    '["a" "b"]',
    '{"rows":[{"a":1},{"a":2}',
    '{"rows":[{"a":1},',
    '{"a":"x',
    '{"a":1} or {"a":2}',
    '{"__proto__":{"x":1}}',
    '{"a":1e999}',
    '{"a":"\\ud800"}',
    '{"a":NaN}',
    '<think>perhaps {"a":1}',
    'perhaps {"a":1}</think>\nI cannot say.',
    '{"path":"C:\\Users"}',
    // What is left of a broken value is none: not its inner one, and no text that was cut.
    "['C:\\Users', {}]",
    '{path: "C:\\Users", owner: {"name":"x"}}',
    "[[0], '0x1}']",
    '[1, it is {"a":1}]',
    "{'a': 'x\u0001'}",
    '{"pattern":"\\d+"}',
    "{'a': '\\x41'}",
    '{"a":"\\u12"}',
    '[undefined]',
    `${'['.repeat(65)}${']'.repeat(65)}`,
    '['.repeat(100_000),
    '{"a":'.repeat(100_000),
    'x'.repeat(5_000_000),
  ];
  for (const text of refused) {
    const answer = readJsonAnswer(text);
    assert.not(answer.ok, text.slice(0, 100));
    if (!answer.ok) assert.ok(answer.message.length > 5 && answer.message.length < 200);
  }
  assert.ok(readJsonAnswer(`${'['.repeat(64)}${']'.repeat(64)}`).ok);
});

test('no text makes it slow', () => {
  const texts = [
    '{}'.repeat(1e6),
    '{a:1}'.repeat(4e5),
    `${'{x '.repeat(60)}${'} '.repeat(60)}`.repeat(5_000),
    `${FENCE}\n${' '.repeat(2e6)}x`,
    `{"${'\\'.repeat(2e6)}`,
    `${`{${'a'.repeat(30_000)}`.repeat(60)}`,
  ];
  for (const text of texts) {
    const started = performance.now();
    readJsonAnswer(text);
    assert.ok(
      performance.now() - started < 2_500,
      `${text.slice(0, 20)} ${performance.now() - started} ms`,
    );
  }
});

/** A value as JSON can hold it. */
const json = fc.json({ maxDepth: 4 }).map((text) => JSON.parse(text) as Json);
const prose = fc
  .array(
    fc.constantFrom(
      'Here',
      'is',
      'the',
      'answer:',
      'ok.',
      '42',
      'true',
      '"so"',
      "it's",
      '\n',
      'a,b',
    ),
  )
  .map((words) => words.join(' '));

test('a value in prose is found, in a fence or not', () => {
  const runs = cases(300, 50_000);
  fc.assert(
    fc.property(json, prose, prose, fc.boolean(), (value, before, after, fenced) => {
      fc.pre(typeof value === 'object' && value !== null);
      fc.pre(
        !JSON.stringify(value).includes('"__proto__"') && JSON.stringify(value).isWellFormed(),
      );
      const text = fenced
        ? `${before}\n${FENCE}json\n${JSON.stringify(value, null, 2)}\n${FENCE}\n${after}`
        : `${before} ${JSON.stringify(value)} ${after}`;
      const answer = readJsonAnswer(text);
      assert.ok(answer.ok, text);
      if (answer.ok) assert.is(JSON.stringify(answer.value), JSON.stringify(value));
    }),
    { seed, numRuns: runs },
  );
  reportCases(runs, 'values in prose');
});

test('no text without a JSON value yields one', () => {
  const runs = cases(500, 200_000);
  const piece = fc.oneof(
    prose,
    fc.string(),
    fc.constantFrom('{', '}', '[', ']', ':', ',', '{name}', '[x]', '{a: b}', '`', '(', 'null', '-'),
  );
  let found = 0;
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const text = pieces.join('');
      const answer = readJsonAnswer(text);
      if (!answer.ok) return;
      found++;
      // Every leaf of what was read stands in the text: nothing was made up.
      for (const leaf of leaves(answer.value))
        assert.ok(holds(text, leaf), `${text} gave ${JSON.stringify(answer.value)}`);
    }),
    { seed, numRuns: runs },
  );
  reportCases(runs, `texts of pieces, ${found} with a value`);
});

/** Texts that a careless reader takes for the end of one, for code or for a comment. */
const tricky = fc
  .array(
    fc.constantFrom(
      "'",
      '"',
      '\\',
      '//',
      '/*',
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      "'+'",
      '“',
      'True',
      '\n',
      'a',
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.join(''));
const trickyValue = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    tricky,
    fc.constantFrom(null, true, 7),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'c d'), tie('value'), { maxKeys: 3 }),
  ),
})).value;

/** As JavaScript writes it, with comments and a comma too many. */
function asScript(value: Json): string {
  if (typeof value === 'string') {
    const inner = value.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n');
    return `'${inner}' /* c */`;
  }
  if (Array.isArray(value)) return `[ ${(value as readonly Json[]).map(asScript).join(', ')} ]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const entries = Object.entries(value).map(
    ([key, item]) => `'${key}': ${asScript(item as Json)},`,
  );
  return `{ ${entries.join(' ')} }`;
}

test('a value with slips is the one that was meant, or none', () => {
  const runs = cases(400, 100_000);
  let found = 0;
  fc.assert(
    fc.property(trickyValue, (inner) => {
      const value = { value: inner };
      const text = asScript(value);
      const answer = readJsonAnswer(text);
      if (!answer.ok) return;
      found++;
      assert.is(JSON.stringify(answer.value), JSON.stringify(value), text);
    }),
    { seed, numRuns: runs },
  );
  assert.ok(found > runs / 4, `${found} of ${runs}`);
  reportCases(runs, `values with slips, ${found} read`);
});

function leaves(value: Json): readonly (string | number | boolean | null)[] {
  if (typeof value !== 'object' || value === null) return [value];
  return Object.entries(value).flatMap(([key, item]) => [
    ...(Array.isArray(value) ? [] : [key]),
    ...leaves(item as Json),
  ]);
}

function holds(text: string, leaf: string | number | boolean | null): boolean {
  if (typeof leaf === 'number')
    return (text.match(/-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g) ?? []).some(
      (n) => Number(n) === leaf || Number(n.replace('-', '')) === leaf,
    );
  const plain = typeof leaf === 'string' ? JSON.stringify(leaf).slice(1, -1) : String(leaf);
  return (
    text.includes(String(leaf)) ||
    text.includes(plain) ||
    text.includes(leaf === null ? 'None' : String(leaf))
  );
}

test('no cut of an answer yields a part of it', () => {
  const runs = cases(300, 50_000);
  fc.assert(
    fc.property(
      fc.dictionary(fc.string({ minLength: 1 }), json, { minKeys: 1 }),
      fc.nat(),
      (value, at) => {
        fc.pre(!JSON.stringify(value).includes('"__proto__"'));
        const text = JSON.stringify(value);
        const cut = text.slice(0, 2 + (at % (text.length - 2)));
        if (cut !== text) assert.not(readJsonAnswer(cut).ok, cut);
      },
    ),
    { seed, numRuns: runs },
  );
});

test.run();
