/** Word overlap: useful where words say it, in the form that is asked for, and never taken for a model. */
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { compileJson } from '../../src/cascade/json-validator.ts';
import { Engine } from '../../src/index.ts';
import { Lexical } from '../../src/model/lexical/lexical.ts';
import type { Json, JsonObject } from '../../src/util/json.ts';
import { rvbbit } from '../cli/spawn.ts';
import { errorOf } from './engine-support.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));

async function answer(prompt: string, schema?: JsonObject): Promise<string> {
  const provider = new Lexical('lexical');
  const outcome = await provider.chat(
    {
      model: 'lexical',
      messages: [
        { role: 'system', content: 'You are brief.' },
        { role: 'user', content: prompt },
      ],
      parameters: {},
      ...(schema === undefined ? {} : { responseSchema: schema }),
    },
    { signal: new AbortController().signal, timeoutMs: 1_000 },
  );
  assert.ok(outcome.ok);
  assert.equal(outcome.response.usage, { inputTokens: 0, outputTokens: 0 });
  return outcome.response.text;
}

const REVIEW = 'The shipping was slow and the package arrived damaged.';

test('questions with yes and no, labels and phrases are answered by their words', async () => {
  const cases: readonly (readonly [string, string])[] = [
    [
      `Does the text meet the criterion? Answer yes or no.\nText: ${REVIEW}\nCriterion: slow shipping`,
      'yes',
    ],
    [
      `Does the text meet the criterion? Answer yes or no.\nText: ${REVIEW}\nCriterion: wrong colour`,
      'no',
    ],
    [
      `Answer true or false: does it match?\n<criterion>damaged packages</criterion>\n<text>\n${REVIEW}\n</text>`,
      'true',
    ],
    [`Is the parcel damaged?\n\n${REVIEW}`, 'yes'],
    [`Choose one of: billing, shipping, other\nText: ${REVIEW}`, 'shipping'],
    [`Choose one of: billing, returns, other\nText: ${REVIEW}`, 'other'],
    ['Is this review positive, neutral or negative?\n\nI loved it', 'neutral'],
    [
      `Which category?\nOptions: billing | delivery\n- delivery: parcels, shipping, couriers\nText: ${REVIEW}`,
      'delivery',
    ],
    ['What is the brand?\n```\nColour: red\nBrand: Sony\nSize: 4\n```', 'Sony'],
    [
      `What about the package?\n\nAll was well. ${REVIEW} Thanks!`,
      'The shipping was slow and the package arrived damaged',
    ],
    ['', ''],
  ];
  for (const [prompt, expected] of cases) assert.is(await answer(prompt), expected, prompt);
});

test('an answer to a schema satisfies it', async () => {
  const prompt = `Does it meet the criterion?\nText: ${REVIEW}\nCriterion: shipping was slow`;
  const cases: readonly (readonly [JsonObject, Json | undefined])[] = [
    [{ type: 'boolean' }, true],
    [{ type: 'object', properties: { met: { type: 'boolean' } } }, { met: true }],
    [{ enum: ['billing', 'shipping'] }, 'shipping'],
    [{ enum: ['a', null] }, null],
    [{ enum: [1, 2] }, 1],
    [{ const: 'x' }, 'x'],
    [{ type: 'string' }, 'The shipping was slow and the package arrived damaged'],
    [{ type: 'string', maxLength: 5 }, 'The s'],
    [{ type: ['string', 'null'] }, undefined],
    [{ type: 'number', minimum: 0, maximum: 10 }, 10],
    [{ type: 'integer', minimum: 1, maximum: 5 }, 5],
    [{ type: 'number', minimum: 5 }, 5],
    [{ type: 'array', items: { enum: ['billing', 'shipping', 'damage'] } }, ['shipping', 'damage']],
    [{ type: 'array', items: { type: 'string' }, minItems: 2, maxItems: 4 }, undefined],
    [
      { type: 'array', items: { type: 'object', properties: { a: { type: 'number' } } } },
      undefined,
    ],
    [{ anyOf: [{ type: 'boolean' }, { type: 'null' }] }, true],
    [{ type: 'null' }, null],
    [
      {
        type: 'object',
        required: ['category', 'score', 'why'],
        additionalProperties: false,
        properties: {
          category: { enum: ['shipping', 'quality'] },
          score: { type: 'number', minimum: 0, maximum: 1 },
          why: { type: 'string' },
          tags: { type: 'array', items: { type: 'string' }, maxItems: 2 },
        },
      },
      undefined,
    ],
  ];
  for (const [schema, expected] of cases) {
    const value = JSON.parse(await answer(prompt, schema)) as Json;
    const shown = `${JSON.stringify(schema)} gave ${JSON.stringify(value)}`;
    assert.is(compileJson(schema)(value), undefined, shown);
    if (expected !== undefined) assert.equal(value, expected, shown);
  }
});

test('CLASSIFY gives one of its labels', async () => {
  const engine = await Engine.open({ stateDir: false, model: 'lexical' });
  try {
    const { rows } = await engine.query(
      `SELECT CLASSIFY('The vase arrived broken', '["lost, late", "broken glass", "other"]') AS a,
              CLASSIFY('Where is my parcel?', 'broken, other') AS b`,
    );
    assert.equal(rows, [{ a: 'broken glass', b: 'other' }]);
  } finally {
    await engine.close();
  }
});

test('the same question has the same answer, and a long or hostile one has it soon', async () => {
  const hostile = [
    '<a>'.repeat(50_000),
    '"""'.repeat(50_001),
    `${'a, '.repeat(50_000)}b?`,
    ': '.repeat(50_000),
    `${' '.repeat(100_000)}x`,
    'one of one of '.repeat(10_000),
    '```\n<text>\n'.repeat(10_000),
    '\n'.repeat(100_000),
  ];
  for (const prompt of hostile) {
    const start = performance.now();
    const first = await answer(prompt);
    assert.is(await answer(prompt), first);
    await answer(prompt, { type: 'array', items: { type: 'string' } });
    const ms = performance.now() - start;
    assert.ok(ms < 3_000, `${Math.round(ms)} ms for ${prompt.slice(0, 20)}`);
  }
});

test('every receipt says lexical, nothing is spent, and the notice comes once an engine', async () => {
  const warnings: string[] = [];
  const silent = () => {};
  await using engine = await Engine.open({
    cascades: root,
    threads: 1,
    model: 'lexical',
    providers: { words: { type: 'lexical' } },
    logger: { debug: silent, info: silent, error: silent, warn: (text) => warnings.push(text) },
  });
  const receipts: string[] = [];
  engine.events.on('attempt.start', ({ provider, model }) => receipts.push(`${provider}/${model}`));
  const map = (cascade: string, query: string, options = '') =>
    engine.query(`RVBBIT MAP 'examples/cascades/${cascade}.yaml' AS v USING (${query}) ${options}`);
  const { rows, summary } = await map(
    'classify_sentiment',
    "SELECT unnest(['A positive surprise', 'so so', 'negative']) AS review_text",
  );
  assert.equal(
    rows.map(({ v }) => v),
    ['positive', 'neutral', 'negative'],
  );
  assert.equal(receipts, Array(3).fill('lexical/lexical'));
  assert.equal(
    [summary.tokens, summary.costMicroUsd, summary.uncostedCalls],
    [{ in: 0, out: 0 }, 0, 0],
  );
  const brand = await map(
    'extract_brand_llm',
    "SELECT unnest(['brand: Sony', 'a lamp']) AS name",
    "WITH (model = 'words/overlap')",
  );
  assert.equal(
    brand.rows.map(({ v }) => v),
    ['Sony', null],
  );
  assert.is(receipts.at(-1), 'words/lexical');
  assert.equal(warnings, ['answers come from word overlap (lexical), not from a model']);
});

test('nothing falls back on it', async () => {
  await using engine = await Engine.open({
    cascades: root,
    threads: 1,
    providers: { words: { type: 'lexical' } },
  });
  const error = await errorOf(
    engine.query(
      "RVBBIT MAP 'examples/cascades/extract_brand_llm.yaml' AS v USING (SELECT 'x' AS name)",
    ),
  );
  assert.is(error.code, 'RVB_NO_MODEL');
});

test('the command line says once that words answer, and with -q says nothing', async () => {
  const sql =
    "RVBBIT MAP 'examples/cascades/extract_brand_llm.yaml' AS v USING (SELECT 'brand: Sony' AS name);";
  const options = { cwd: root, env: { RVBBIT_MODEL: 'lexical' } };
  const { code, stdout, stderr } = await rvbbit(
    ['-c', sql, '-c', sql, '--format', 'jsonl', '--no-state'],
    options,
  );
  assert.is(code, 0, stderr);
  assert.is(stdout, '{"name":"brand: Sony","v":"Sony"}\n'.repeat(2));
  assert.is(stderr.split('answers come from word overlap (lexical), not from a model').length, 2);
  assert.match(stderr, /1 call, 0 \+ 0 tokens, \$0\.0000/);
  const quiet = await rvbbit(['-q', '-c', sql, '--no-state'], options);
  assert.is(quiet.stderr, '');
});

test.run();
