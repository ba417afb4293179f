import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ContentFault, SpoilFault } from '../../src/sim/fault.ts';
import { chat, faulty, post, wire, withSimulator } from './support.ts';

const JSON_ANSWER = '{"items":[{"id":1},{"id":2},{"id":3}]}';

/** The body of a call with a spoil fault, as bytes. */
async function spoilt(what: SpoilFault['what'], more: Partial<SpoilFault> = {}): Promise<Buffer> {
  return withSimulator(faulty({ kind: 'spoil', what, ...more }), async (sim) => {
    const { body } = await wire(sim, 'hello');
    return body;
  });
}

/** The content of a call whose answer is `answer` spoilt. */
async function spoiltContent(what: SpoilFault['what'], answer: string, more = {}): Promise<string> {
  const fault = { kind: 'spoil', what, in: 'content', ...more } as const;
  return withSimulator({ rules: [{ fault: fault as SpoilFault, answer }] }, async (sim) => {
    return (await chat(sim, 'hello')).json.choices[0].message.content;
  });
}

/** A call with a content fault. */
async function shaped(what: ContentFault['what'], answer = JSON_ANSWER) {
  return withSimulator({ rules: [{ fault: { kind: 'content', what }, answer }] }, async (sim) => {
    return (await chat(sim, 'hello')).json;
  });
}

const fatal = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

test('an invalid byte stands where it was asked for', async () => {
  const whole = await withSimulator({}, async (sim) => (await chat(sim, 'hello')).text);
  for (const at of [0, 1, 100, whole.length - 1]) {
    const body = await spoilt('invalid-utf8', { at });
    assert.is(body[at], 0xff);
    assert.is(body.length, whole.length);
    assert.throws(() => fatal.decode(body));
  }
  const inContent = await spoilt('invalid-utf8', { in: 'content', at: 2 });
  assert.is(inContent.indexOf(0xff), whole.indexOf('"hello"') + 3);
});

test('bodies carry a BOM, a NUL or a surrogate', async () => {
  assert.equal([...(await spoilt('bom')).subarray(0, 4)], [0xef, 0xbb, 0xbf, 0x7b]);
  assert.is((await spoilt('nul', { at: 5 }))[5], 0);
  const surrogate = await spoilt('lone-surrogate', { at: 5 });
  assert.equal([...surrogate.subarray(5, 8)], [0xed, 0xa0, 0x80]);
  assert.throws(() => fatal.decode(surrogate));
});

test('contents carry a BOM, a NUL or a surrogate as valid JSON', async () => {
  assert.is(await spoiltContent('bom', 'abc'), '\ufeffabc');
  assert.is(await spoiltContent('nul', 'abc', { at: 1 }), 'a\0bc');
  assert.is(await spoiltContent('lone-surrogate', 'abc', { at: 1 }), 'a\ud800bc');
});

test('JSON is huge, deep, double, hostile or no JSON at all', async () => {
  const number = (await spoilt('huge-number')).toString();
  assert.match(number, /^\{"huge":9{1000000},"id":/);
  const deep = (await spoilt('deep', { size: 500 })).toString();
  assert.match(deep, /^\{"deep":\[{500}\]{500},"id":/);
  assert.ok((await spoilt('deep')).length > 200_000);
  const proto = (await spoilt('proto-keys')).toString();
  assert.ok(Object.hasOwn(JSON.parse(proto), '__proto__'));
  const twice = (await spoilt('duplicate-keys')).toString();
  assert.is(twice.match(/"id":/g)?.length, 2);
  const nan = (await spoilt('nan')).toString();
  assert.match(nan, ':NaN,');
  assert.throws(() => JSON.parse(nan), SyntaxError);
});

test('the same lies in the content of the answer', async () => {
  assert.match(
    await spoiltContent('huge-number', '{"a":1}', { size: 400 }),
    /^\{"huge":9{400},"a":1\}$/,
  );
  assert.is(await spoiltContent('duplicate-keys', '{"a":1}'), '{"a":"the first of two","a":1}');
  assert.is(await spoiltContent('nan', '{}'), '{"nan":NaN,"infinity":-Infinity}');
  assert.is(await spoiltContent('deep', 'hi', { size: 2 }), '{"deep":[[]],"answer":"hi"}');
  assert.match(await spoiltContent('proto-keys', '{"a":1}'), '"__proto__":{"polluted":true}');
});

test('answers are empty, null, refused, called for tools, cut or filtered', async () => {
  const choice = async (what: ContentFault['what']) => (await shaped(what)).choices[0];
  assert.equal((await shaped('no-choices')).choices, []);
  assert.is((await choice('null-content')).message.content, null);
  assert.is((await choice('empty-content')).message.content, '');
  assert.type((await choice('refusal')).message.refusal, 'string');
  const tools = await choice('tool-calls');
  assert.is(tools.finish_reason, 'tool_calls');
  assert.is(tools.message.tool_calls.length, 1);
  const cut = await choice('length');
  assert.is(cut.finish_reason, 'length');
  assert.is(cut.message.content, JSON_ANSWER.slice(0, JSON_ANSWER.length / 2));
  assert.is((await choice('content-filter')).finish_reason, 'content_filter');
  assert.is((await shaped('no-usage')).usage, undefined);
  assert.type((await shaped('error-body')).error.message, 'string');
});

test('answers come in prose or fences, and with items that are missing, extra or shuffled', async () => {
  const content = async (what: ContentFault['what'], answer?: string) =>
    (await shaped(what, answer)).choices[0].message.content as string;
  const ids = async (what: ContentFault['what']) =>
    JSON.parse(await content(what)).items.map(({ id }: { id: number }) => id);
  assert.is(await content('fenced'), `\`\`\`json\n${JSON_ANSWER}\n\`\`\``);
  const prose = await content('prose');
  assert.ok(prose.includes(JSON_ANSWER) && !prose.startsWith('{'));
  assert.equal(await ids('missing-item'), [1, 2]);
  assert.equal(await ids('extra-item'), [1, 2, 3, 3]);
  assert.equal(await ids('shuffled-items'), [3, 2, 1]);
  assert.is(await content('extra-item', '[1]'), '[1,1]');
  assert.is(await content('extra-item', 'text'), 'text');
});

test('an enum of the response schema gets a value that is none of its own', async () => {
  const schema = {
    type: 'object',
    properties: { mood: { enum: ['good', 'bad'] }, n: { type: 'integer' } },
  };
  const response_format = { type: 'json_schema', json_schema: { name: 'x', schema } };
  await withSimulator(faulty({ kind: 'content', what: 'wrong-enum' }), async (sim) => {
    const { json } = await chat(sim, 'hello', { response_format });
    const value = JSON.parse(json.choices[0].message.content);
    assert.not.ok(['good', 'bad'].includes(value.mood));
    assert.ok(Number.isInteger(value.n));
  });
});

test('embeddings have the wrong number or order too', async () => {
  const indexes = (what: ContentFault['what']) =>
    withSimulator(faulty({ kind: 'content', what }), async (sim) => {
      const { json } = await post(sim, '/embeddings', { model: 'e', input: ['a', 'b', 'c'] });
      return json.data.map(({ index }: { index: number }) => index);
    });
  assert.equal(await indexes('missing-item'), [0, 1]);
  assert.equal(await indexes('extra-item'), [0, 1, 2, 2]);
  assert.equal(await indexes('shuffled-items'), [2, 1, 0]);
  assert.equal(await indexes('no-choices'), []);
});

test.run();
