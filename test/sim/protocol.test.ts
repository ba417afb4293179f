import { Ajv2020 } from 'ajv/dist/2020.js';
import { request } from 'undici';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { schemaInstruction } from '../../src/run/compile-prompt.ts';
import { ask, chat, chatOf, post, withSimulator } from './support.ts';

test('a chat call is answered in the protocol form, with usage', async () => {
  await withSimulator({}, async (sim) => {
    const { status, json } = await chat(sim, 'Hello there', { temperature: 0, seed: 3, n: 1 });
    assert.is(status, 200);
    assert.is(json.object, 'chat.completion');
    assert.is(json.model, 'sim');
    assert.match(json.id, /^chatcmpl-[0-9a-f]{32}$/);
    assert.type(json.created, 'number');
    assert.equal(json.choices, [
      {
        index: 0,
        message: { role: 'assistant', content: 'Hello there', refusal: null },
        finish_reason: 'stop',
      },
    ]);
    assert.equal(json.usage, {
      prompt_tokens: 3,
      completion_tokens: 3,
      total_tokens: 6,
      completion_tokens_details: { reasoning_tokens: 0 },
    });
  });
});

test('a key of the prompt cache stands in the ledger, and may not be long', async () => {
  await withSimulator({ refuses: ['seed'] }, async (sim) => {
    const good = await chat(sim, 'a', { prompt_cache_key: 'k' });
    const long = await chat(sim, 'a', { prompt_cache_key: 'k'.repeat(65) });
    const refused = await chat(sim, 'a', { seed: 1 });
    assert.equal([good.status, long.status, refused.status], [200, 400, 400]);
    assert.match(JSON.stringify(refused.json), 'Unrecognized request argument supplied: seed');
    assert.is(sim.ledger().entries[0]?.cacheKey, 'k');
  });
});

test('the answer is a function of the prompt: echo, hash and JSON', async () => {
  await withSimulator({ answers: 'hash' }, async (sim) => {
    const first = await ask(sim, 'a');
    assert.match(first, /^[0-9a-f]{16}$/);
    assert.is(await ask(sim, 'a', { temperature: 0.5 }), first);
    assert.is.not(await ask(sim, 'b'), first);
  });
  await withSimulator({ answers: 'json' }, async (sim) => {
    assert.is(JSON.parse(await ask(sim, 'a')).answer, 'a');
  });
  await withSimulator({}, async (sim) => {
    const parts = [
      { type: 'text', text: 'in ' },
      { type: 'text', text: 'parts' },
    ];
    const messages = [
      { role: 'system', content: 'system' },
      { role: 'user', content: 'first' },
      { role: 'assistant', content: 'mine' },
      { role: 'user', content: parts },
    ];
    const { json } = await post(sim, '/chat/completions', { model: 'm', messages });
    assert.is(json.choices[0].message.content, 'in parts');
    const asJson = await ask(sim, 'a', { response_format: { type: 'json_object' } });
    assert.is(JSON.parse(asJson).answer, 'a');
  });
});

test('equal calls have equal bodies, byte for byte, in every server', async () => {
  const bodies = await Promise.all(
    [1, 2].map((seed) =>
      withSimulator({ seed }, async (sim) => {
        await chat(sim, 'another');
        return (await chat(sim, 'same')).text;
      }),
    ),
  );
  assert.is(bodies[0], bodies[1]);
});

test('a response schema is answered with an instance of it', async () => {
  const schema = {
    type: 'object',
    required: ['brand', 'score', 'tags', 'kind', 'size', 'day', 'id', 'maybe'],
    additionalProperties: false,
    properties: {
      brand: { type: 'string', minLength: 30, maxLength: 40 },
      score: { type: 'number', minimum: 0, maximum: 1 },
      tags: { type: 'array', items: { enum: ['x', 'y'] }, minItems: 2, maxItems: 4 },
      kind: { const: 'product' },
      size: { type: 'integer', exclusiveMinimum: 4, maximum: 20, multipleOf: 5 },
      day: { type: 'string', format: 'date' },
      id: { $ref: '#/$defs/id' },
      maybe: { anyOf: [{ type: 'null' }, { type: ['boolean', 'null'] }] },
      both: {
        allOf: [{ type: 'object', properties: { a: { type: 'integer' } } }],
        required: ['a'],
      },
    },
    $defs: { id: { type: 'string', format: 'uuid' } },
  };
  const validate = new Ajv2020({ strict: false, formats: { date: true, uuid: true } }).compile(
    schema,
  );
  const format = { type: 'json_schema', json_schema: { name: 'x', schema } };
  await withSimulator({}, async (sim) => {
    const answers = new Set<string>();
    for (let at = 0; at < 50; at++) {
      const text = await ask(sim, `product ${at}`, { response_format: format });
      assert.ok(validate(JSON.parse(text)), `${text}: ${JSON.stringify(validate.errors)}`);
      answers.add(text);
    }
    assert.is(answers.size, 50);
    const first = await ask(sim, 'product 0', { response_format: format });
    assert.ok(answers.has(first));
  });
});

test('a schema that is asked for in words is kept to, and other words are none', async () => {
  const schema = { type: 'object', required: ['n'], properties: { n: { type: 'integer' } } };
  const told = schemaInstruction(schema);
  const withSystem = (content: string) => ({
    messages: [
      { role: 'system', content },
      { role: 'user', content: 'a' },
    ],
  });
  await withSimulator({}, async (sim) => {
    const answer = JSON.parse(await ask(sim, '', withSystem(told)));
    assert.ok(Number.isInteger(answer.n), JSON.stringify(answer));
    for (const text of ['a JSON Schema\n{"type":', 'a JSON Schema is {}', 'Schema\n{}']) {
      assert.is(await ask(sim, '', withSystem(text)), 'a');
    }
  });
});

test('a hostile schema is answered too, in bounded time and size', async () => {
  const node = { $ref: '#/$defs/node' };
  const $defs = { node: { type: 'object', properties: { a: node, b: node, c: node } } };
  await withSimulator({}, async (sim) => {
    for (const schema of [
      { ...node, $defs },
      { type: 'string', minLength: 1e12 },
      { type: 'array', minItems: 1e12, items: { type: 'integer' } },
      { $ref: '#/%zz' },
      { allOf: [node], $defs },
      { enum: [] },
    ]) {
      const format = { type: 'json_schema', json_schema: { name: 'x', schema } };
      const { status, text } = await chat(sim, 'a', { response_format: format });
      assert.is(status, 200, text);
      assert.ok(text.length < 1_000_000, `${JSON.stringify(schema)}: ${text.length}`);
    }
  });
});

test('max_tokens cuts the answer and says so', async () => {
  await withSimulator({}, async (sim) => {
    const { json } = await chat(sim, 'x'.repeat(100), { max_tokens: 5 });
    assert.is(json.choices[0].message.content, 'x'.repeat(20));
    assert.is(json.choices[0].finish_reason, 'length');
    assert.is(json.usage.completion_tokens, 5);
  });
});

test('embeddings are unit vectors that follow from the text, in order', async () => {
  await withSimulator({}, async (sim) => {
    const body = { model: 'e', input: ['a', 'b', 'a'], dimensions: 64 };
    const { json } = await post(sim, '/embeddings', body);
    assert.equal(
      json.data.map(({ index }) => index),
      [0, 1, 2],
    );
    const vectors: number[][] = json.data.map(({ embedding }) => embedding);
    assert.equal(vectors[0], vectors[2]);
    assert.not.equal(vectors[0], vectors[1]);
    for (const vector of vectors) {
      assert.is(vector.length, 64);
      assert.ok(Math.abs(Math.hypot(...vector) - 1) < 1e-6);
    }
    const packed = await post(sim, '/embeddings', { ...body, encoding_format: 'base64' });
    const bytes = Buffer.from(packed.json.data[1].embedding, 'base64');
    assert.is(bytes.readFloatLE(0), vectors[1]![0]);
    assert.is((await post(sim, '/embeddings', { model: 'e', input: 'a' })).json.data.length, 1);
    assert.is((await post(sim, '/embeddings', { model: 'e', input: [[1, 2]] })).status, 400);
    assert.is(
      (await post(sim, '/embeddings', { model: 'e', input: 'a', dimensions: 0 })).status,
      400,
    );
  });
});

test('wrong requests get the error a provider would give', async () => {
  await withSimulator({ requireKey: 'k', models: ['sim'] }, async (sim) => {
    const send = (body: unknown) => post(sim, '/chat/completions', body, { key: 'k' });
    assert.is((await chat(sim, 'a')).status, 401);
    assert.is((await chat(sim, 'a')).json.error.code, 'invalid_api_key');
    assert.is((await send(chatOf('a'))).status, 200);
    assert.is((await send(chatOf('a', { model: 'other' }))).json.error.code, 'model_not_found');
    for (const wrong of [
      '{',
      '[]',
      { model: 'sim' },
      { model: 'sim', messages: [] },
      { messages: [{ role: 'user', content: 'a' }] },
      { model: 'sim', messages: [{ role: 'robot', content: 'a' }] },
      { model: 'sim', messages: [{ role: 'user', content: 5 }] },
      chatOf('a', { temperature: 3 }),
      chatOf('a', { max_tokens: 0 }),
      chatOf('a', { n: 2 }),
      chatOf('a', { stream: 'yes' }),
      chatOf('a', { response_format: { type: 'json_schema' } }),
      `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
    ]) {
      const { status, json } = await send(wrong);
      assert.is(status, 400, JSON.stringify(wrong).slice(0, 80));
      assert.is(json.error.type, 'invalid_request_error');
      assert.type(json.error.message, 'string');
    }
    assert.is((await post(sim, '/nothing', {})).status, 404);
    assert.is((await post(sim, '/chat/completions', 'x'.repeat(17_000_000))).status, 413);
    assert.is(sim.ledger().totals.inFlight, 0);
    const models = await request(`${sim.url}/models`);
    assert.is(((await models.body.json()) as { data: { id: string }[] }).data[0]!.id, 'sim');
  });
});

test('a directive in the prompt scripts its call, where the options allow it', async () => {
  const prompt = 'Before\nsim: {"answer": {"brand": "Sony"}, "finish": "length"}\nAfter';
  await withSimulator({}, async (sim) => assert.is(await ask(sim, prompt), prompt));
  await withSimulator({ directives: true }, async (sim) => {
    const { json } = await chat(sim, prompt);
    assert.is(json.choices[0].message.content, '{"brand":"Sony"}');
    assert.is(json.choices[0].finish_reason, 'length');
    assert.is(await ask(sim, 'a\nsim: {"delayMs": 1}\nb'), 'a\nb');
    assert.is((await chat(sim, 'sim: {"status": 503, "retryAfter": 2}')).status, 503);
    assert.is((await chat(sim, 'sim: {"raw": "not JSON"}')).text, 'not JSON');
    const reasoned = await chat(sim, 'sim: {"answer": "four", "reasoningTokens": 7}');
    assert.is(reasoned.json.usage.completion_tokens, 8);
    assert.is(reasoned.json.usage.completion_tokens_details.reasoning_tokens, 7);
    const refused = await chat(sim, 'sim: {"refusal": "no"}');
    assert.is(refused.json.choices[0].message.refusal, 'no');
    assert.is(refused.json.choices[0].message.content, null);
    const twice = 'sim: {"status": 500, "attempts": 2, "answer": "at last"}';
    assert.equal(
      [(await chat(sim, twice)).status, (await chat(sim, twice)).status, await ask(sim, twice)],
      [500, 500, 'at last'],
    );
    const wrong = await chat(sim, 'sim: {"anwser": 1}');
    assert.is(wrong.status, 400);
    assert.match(wrong.json.error.message, 'anwser');
  });
});

test.run();
