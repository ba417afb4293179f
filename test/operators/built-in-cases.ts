/** The test cases of the built-in operators: which need a model, and what it is to say. */
import type { TestCase } from '../../src/cascade/cascade.ts';
import type { Operator } from '../../src/operators/operator.ts';
import type { Json } from '../../src/util/json.ts';

/** Cases that a model is asked about, where that is not all but those that say they need none. */
const ASKED: Readonly<Record<string, readonly string[]>> = {
  SOUNDS_LIKE: [],
  VALID: ['a type that rules do not know', 'a date in words'],
  NORMALIZE: ['a date of either order is asked about', 'a country'],
};

/** What the model says where the cells make something else of it. */
const ANSWERS: Readonly<Record<string, Json>> = {
  'one is unlike the others': [3],
  'by a criterion': 2,
  'two topics': [
    { label: 'battery', texts: [1, 3] },
    { label: 'delivery', texts: [2] },
  ],
  'spellings of one thing': [
    { label: 'United States', texts: [1, 3] },
    { label: 'Germany', texts: [2, 4] },
  ],
  'the same text twice is one question': [{ label: 'United States', texts: [1] }],
};

/** Whether a model is asked. */
export function isAsked(operator: Operator, { name = '' }: TestCase): boolean {
  return ASKED[operator.name]?.includes(name) ?? !/need(s)? no model/.test(name);
}

/** What the model says so that the case passes. */
export function answerOf({ name = '', expect }: TestCase): Json {
  return ANSWERS[name] ?? expect;
}

/** The texts of a case that its prompt holds; labels are listed one by one. */
export function textsOf({ input }: TestCase): readonly string[] {
  return Object.values(input)
    .flat()
    .filter((value) => value !== null && !String(value).startsWith('['))
    .flatMap((value) => String(value).split(', '));
}
