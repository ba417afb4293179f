/** A part of an answer is never taken for the whole of it. */
import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { readJsonAnswer } from '../../src/model/json-answer.ts';
import type { Json } from '../../src/util/json.ts';
import { cases, reportCases, seed } from '../support/cases.ts';

const FENCE = '```';
const BEST = { best: { brand: 'x' } };

test('tags and fences in a text of the JSON are text', () => {
  const values: readonly Json[] = [
    { note: 'a </think> b', ...BEST },
    { note: 'a <think> b', ...BEST },
    [`${FENCE}json`, { brand: 'x' }, FENCE],
    'see </think> [1, 2]',
  ];
  for (const value of values) {
    for (const text of [JSON.stringify(value), JSON.stringify(value, null, 2)]) {
      const fenced = `${FENCE}json\n${text}\n${FENCE}`;
      for (const answer of [text, fenced, `<think>So [3]</think>\n${fenced}`]) {
        assert.equal(readJsonAnswer(answer), { ok: true, value }, answer);
      }
      if (typeof value === 'string') continue;
      for (const answer of [
        `Here it is: ${text}`,
        `Here:\n${fenced}\nDone.`,
        `so {"a":2} it is</think>${text}`,
      ]) {
        assert.equal(readJsonAnswer(answer), { ok: true, value }, answer);
      }
    }
  }
});

test('what is left of a value that cannot be read is none', () => {
  const refused = [
    'Here: "see [1, 2]"',
    'Here: "see </think> [1, 2]"',
    'Here: "see [1, 2] and',
    '"note": "a", "best": {"brand":"x"}}',
    '[1.5e3, {"brand":"x"},',
    `[${' '.repeat(300)}"a", {"brand":"x"},`,
    '{1: {"brand":"x"}}',
    `Here:\n${FENCE}json [1,\n {"brand":"x"}\n${FENCE}`,
    `${FENCE}json [1,\n2\n${FENCE}`,
    `{"note": "a\n${FENCE}\n{"brand":"x"}\n${FENCE}\n", "n": 1}`,
    'Well. <think>perhaps {"brand":"x"}',
    `{'note': 'a} </think>', 'best': {"brand":"x"}}`,
    `['a] </think>', {"brand":"x"}]`,
    '<think>"</think>", {"brand":"x"} ok</think>',
  ];
  for (const text of refused) assert.not(readJsonAnswer(text).ok, text);
});

/** What a row may hold and a model echo. */
const hostile = fc
  .array(
    fc.constantFrom(
      ...['</think>', '<think>', FENCE, `${FENCE}json`, '\n', '"', "'", '\\', '{', '}', '[', ']'],
      ...[',', ':', '{"b":1}', '[1, 2]', '{"b":', "{'b':1}", '//', 'a', ' '],
    ),
    { maxLength: 6 },
  )
  .map((pieces) => pieces.join(''));
const hostileValue = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    hostile,
    fc.constantFrom(null, true, -7, 1.5e-9),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(hostile, tie('value'), { maxKeys: 3 }),
  ),
})).value;
const before = fc.constantFrom(
  ...['', 'Here it is: ', 'The "answer" is\n', 'It\'s of 5" [1]:\n', '<think>So [3]</think>\n'],
  ...['so {"a":2} it is</think>\n', '<think>a </think> {"a":2}\n</think>\n', 'By {name}:\n'],
);
const after = fc.constantFrom('', '\n', ' Enjoy.', '\nIs "that" it?');

test('a value of hostile texts is read as itself or not at all, cut off or not', () => {
  const runs = cases(1_000, 500_000);
  let found = 0;
  fc.assert(
    fc.property(
      hostileValue,
      before,
      after,
      fc.boolean(),
      fc.boolean(),
      fc.option(fc.nat(), { freq: 2 }),
      (value, start, end, isFenced, isPretty, cutAt) => {
        const text = JSON.stringify(value, null, isPretty ? 2 : 0);
        const cut = cutAt === null ? text.length : cutAt % (text.length + 1);
        const body = isFenced ? `${FENCE}json\n${text}\n${FENCE}` : text;
        const whole = `${start}${body}${end}`;
        const isCut = cut < text.length;
        const said = isCut ? whole.slice(0, whole.indexOf(text, start.length) + cut) : whole;
        const answer = readJsonAnswer(said);
        if (!answer.ok) return;
        found++;
        const read = JSON.stringify(answer.value);
        // A number or `[1]` of the prose, where the value is cut off, is no part of the value.
        if (isCut && (start.includes(read) || /^-?\d/.test(text))) return;
        assert.is(read, JSON.stringify(value), said);
      },
    ),
    { seed, numRuns: runs },
  );
  assert.ok(found > runs / 4, `${found} of ${runs}`);
  reportCases(runs, `hostile values, ${found} read`);
});

test.run();
