/** Tokens of the providers' caches: in usage, account, price, budget and EXPLAIN. Every figure was worked out by hand. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { priceOf } from '../../src/model/prices.ts';
import { reportCases } from '../support/cases.ts';
import { type ModelServer, modelServer } from '../support/model-server.ts';
import { type Asked, openEngine, queryOf } from './engine-support.ts';

/** Dollars a million tokens: of each model a price of its own. */
const prices = {
  small: { inputPerMtok: 0.15, outputPerMtok: 0.6, cachedInputPerMtok: 0.075 },
  tenth: { inputPerMtok: 1, outputPerMtok: 10, cachedInputPerMtok: 0.1 },
  claude: {
    inputPerMtok: 3,
    outputPerMtok: 15,
    cachedInputPerMtok: 0.3,
    cacheWritePerMtok: 3.75,
  },
  plain: { inputPerMtok: 2, outputPerMtok: 8 },
  free: { inputPerMtok: 0, outputPerMtok: 0 },
};

/** Micro-dollars, tokens in, tokens out, cached, written to the cache. */
type Expected = readonly [number, number, number, number, number];
type Priced = readonly [model: keyof typeof prices, usage: object, expected: Expected];

function openAi(prompt: number, completion: number, cached?: number, more: object = {}): object {
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    ...(cached === undefined ? {} : { prompt_tokens_details: { cached_tokens: cached } }),
    ...more,
  };
}
function anthropic(input: number, output: number, read?: number, written?: number): object {
  return {
    input_tokens: input,
    output_tokens: output,
    ...(read === undefined ? {} : { cache_read_input_tokens: read }),
    ...(written === undefined ? {} : { cache_creation_input_tokens: written }),
  };
}
const reasoning = (tokens: number) => ({ completion_tokens_details: { reasoning_tokens: tokens } });

const OPENAI: readonly Priced[] = [
  ['small', openAi(1_000, 100), [210, 1_000, 100, 0, 0]],
  ['small', openAi(2_000, 100, 1_920), [216, 2_000, 100, 1_920, 0]],
  ['small', openAi(2_000, 100, 0), [360, 2_000, 100, 0, 0]],
  ['small', openAi(2_000, 100, 2_000), [210, 2_000, 100, 2_000, 0]],
  // More cached than there are: no count of a cache, so the whole price.
  ['small', openAi(2_000, 100, 2_001), [360, 2_000, 100, 0, 0]],
  ['small', openAi(2_000, 100, -1), [360, 2_000, 100, 0, 0]],
  // 80 + 1,920 / 10; rounded up to a whole micro-dollar.
  ['tenth', openAi(2_000, 0, 1_920), [272, 2_000, 0, 1_920, 0]],
  ['tenth', openAi(1_001, 1, 1), [1_011, 1_001, 1, 1, 0]],
  ['tenth', openAi(100, 10, 96), [114, 100, 10, 96, 0]],
  // Reasoning is part of the completion …
  ['tenth', openAi(100, 50, 0, reasoning(40)), [600, 100, 50, 0, 0]],
  ['tenth', openAi(100, 50, 0, { ...reasoning(40), total_tokens: 150 }), [600, 100, 50, 0, 0]],
  // … and beside it with xAI and Gemini, as their totals say.
  ['tenth', openAi(32, 9, 0, { ...reasoning(94), total_tokens: 135 }), [1_062, 32, 103, 0, 0]],
  ['tenth', openAi(10, 5, undefined, { total_tokens: 100 }), [910, 10, 90, 0, 0]],
  [
    'tenth',
    openAi(10_120, 1_499, 128, { ...reasoning(2_809), total_tokens: 14_428 }),
    [53_085, 10_120, 4_308, 128, 0],
  ],
  // DeepSeek's names.
  [
    'tenth',
    openAi(1_000, 10, undefined, {
      prompt_cache_hit_tokens: 900,
      prompt_cache_miss_tokens: 100,
    }),
    [290, 1_000, 10, 900, 0],
  ],
  ['plain', openAi(1_000, 100, 900), [2_800, 1_000, 100, 900, 0]],
  ['free', openAi(1_000, 100, 900), [0, 1_000, 100, 900, 0]],
  ['small', openAi(1, 0, 1), [1, 1, 0, 1, 0]],
  // Of OpenRouter, which passes on what Anthropic wrote.
  [
    'claude',
    openAi(1_000, 10, undefined, {
      prompt_tokens_details: { cached_tokens: 500, cache_write_tokens: 400 },
    }),
    [2_100, 1_000, 10, 500, 400],
  ],
];

const ANTHROPIC: readonly Priced[] = [
  ['claude', anthropic(100, 10), [450, 100, 10, 0, 0]],
  ['claude', anthropic(100, 10, 0, 0), [450, 100, 10, 0, 0]],
  // The input leaves out what was read and written.
  ['claude', anthropic(100, 10, 1_000, 0), [750, 1_100, 10, 1_000, 0]],
  ['claude', anthropic(100, 10, 0, 1_000), [4_200, 1_100, 10, 0, 1_000]],
  ['claude', anthropic(100, 10, 2_000, 1_000), [4_800, 3_100, 10, 2_000, 1_000]],
  ['claude', anthropic(0, 10, 1_000), [450, 1_000, 10, 1_000, 0]],
  ['claude', anthropic(4, 503, 8_000, 0), [9_957, 8_004, 503, 8_000, 0]],
  ['claude', anthropic(1, 1, 1, 1), [23, 3, 1, 1, 1]],
  ['plain', anthropic(100, 10, 1_000, 500), [3_280, 1_600, 10, 1_000, 500]],
  ['tenth', anthropic(100, 10, 900, 0), [290, 1_000, 10, 900, 0]],
  ['small', anthropic(10, 0, 0, 90), [15, 100, 0, 0, 90]],
];

test('usage records of both protocols are priced to the micro-dollar', async () => {
  await using server = await modelServer({ directives: true });
  const provider = { baseUrl: server.url, prices };
  await using engine = await openEngine({
    providers: { openai_like: provider, claude_like: { ...provider, type: 'anthropic' } },
  });
  const ended: { tokensCached?: number; tokensCacheWrite?: number }[] = [];
  engine.events.on('attempt.end', (end) => ended.push(end));
  const record = async (id: string, body: object, [model, usage, expected]: Priced) => {
    const sim = { raw: JSON.stringify({ ...body, usage }) };
    const { summary } = await engine.query(
      `RVBBIT MAP 'patient.yaml' AS v USING (${queryOf([{ word: 'a', number: 1, sim }])})
       WITH (model = '${id}/${model}', cache = false)`,
    );
    const { costMicroUsd, tokens } = summary;
    const { cached = 0, cacheWrite = 0 } = tokens;
    const about = `${id}/${model} ${JSON.stringify(usage)}`;
    assert.equal([costMicroUsd, tokens.in, tokens.out, cached, cacheWrite], expected, about);
    assert.is(ended.at(-1)?.tokensCached ?? 0, cached, 'the record has it too');
    assert.is(ended.at(-1)?.tokensCacheWrite ?? 0, cacheWrite);
  };
  for (const priced of OPENAI) {
    const message = { role: 'assistant', content: 'x' };
    await record('openai_like', { choices: [{ message, finish_reason: 'stop' }] }, priced);
  }
  for (const priced of ANTHROPIC) {
    const content = [{ type: 'text', text: 'x' }];
    await record('claude_like', { type: 'message', content, stop_reason: 'end_turn' }, priced);
  }
  reportCases(OPENAI.length + ANTHROPIC.length, 'usage records priced');
});

test('the table of public prices knows what of the cache costs', () => {
  const at = (baseUrl: string, model: string, usage: readonly [number, number, number, number]) => {
    const [inputTokens, outputTokens, cachedTokens, cacheWriteTokens] = usage;
    const counted = { inputTokens, outputTokens, cachedTokens, cacheWriteTokens };
    return priceOf({ baseUrl }, model, counted)?.costMicroUsd;
  };
  const openAiUrl = 'https://api.openai.com/v1';
  assert.is(at(openAiUrl, 'gpt-4o-mini', [2_000, 100, 1_920, 0]), 216);
  assert.is(at(openAiUrl, 'gpt-4o-mini', [2_000, 100, 0, 0]), 360);
  // No cache price: as other input.
  assert.is(at(openAiUrl, 'gpt-4', [2_000, 100, 1_920, 0]), 66_000);
  const anthropicUrl = 'https://api.anthropic.com/v1';
  assert.is(at(anthropicUrl, 'claude-sonnet-4-5', [3_100, 10, 2_000, 1_000]), 4_800);
});

/** Equal prompts of each row are cached; this is what a call of `rows` takes. */
const ROWS = 60;
const rows = Array.from({ length: ROWS }, (_, number): Asked => {
  return { word: `${'long '.repeat(400)}${number + 100}`, number: number + 100, sim: {} };
});
const PROMPT_TOKENS = Math.ceil(`Say ${'long '.repeat(400)}100 100\nsim: {}`.length / 4);

test('a budget stops within one call of the right place with 90 % of each prompt cached', async () => {
  let worst = 0;
  for (const type of ['openai-compatible', 'anthropic']) {
    for (const parallel of [1, 4]) {
      const answers = { answer: 'seen', cachedShare: 0.9 };
      await using server = await modelServer({ directives: true, rules: [answers] });
      const sim = { type, baseUrl: server.url, prices: { tenth: prices.tenth } };
      await using engine = await openEngine({ providers: { sim }, model: 'sim/tenth' });
      const cached = Math.floor(PROMPT_TOKENS * 0.9);
      const each = Math.ceil(PROMPT_TOKENS - cached + cached * 0.1 + 10);
      for (const calls of [5, 20, 41]) {
        await server.reset();
        const { summary } = await engine.query(
          `RVBBIT MAP PARALLEL ${parallel} 'patient.yaml' AS v USING (${queryOf(rows)})
           WITH (max_cost = ${((calls + 0.5) * each) / 1e6}, cache = false)`,
        );
        const made = (await server.summary()).totals.calls;
        worst = Math.max(worst, Math.abs(made - calls));
        assert.ok(Math.abs(made - calls) <= parallel, `${type}: ${made} calls, not ${calls}`);
        if (parallel === 1) assert.ok(Math.abs(made - calls) <= 1, `${made} calls, not ${calls}`);
        assert.is(summary.costMicroUsd, made * each);
        assert.is(summary.tokens.cached, made * cached);
        assert.is(summary.reason, 'budget');
      }
    }
  }
  reportCases(12, `budgets with cached prompts, at most ${worst} calls from the right place`);
});

test('EXPLAIN expects the cost of prompts as far cached as earlier ones were', async () => {
  const rules = [{ answer: 'seen', cachedShare: 0.9 }];
  await using server: ModelServer = await modelServer({ directives: true, rules });
  const sim = { baseUrl: server.url, prices: { tenth: prices.tenth } };
  await using engine = await openEngine({ providers: { sim }, model: 'sim/tenth' });
  const map = `RVBBIT MAP PARALLEL 4 'patient.yaml' AS v USING (${queryOf(rows)})`;
  const before = await engine.explain(map);
  assert.is(before.cells[0]?.cachedShare, undefined);
  const { summary } = await engine.query(`${map} WITH (cache = false)`);
  const after = await engine.explain(`${map} WITH (cache = 'refresh')`);
  const share = after.cells[0]?.cachedShare ?? 0;
  assert.ok(Math.abs(share - 0.9) < 0.01, String(share));
  assert.is(after.cost.expected, summary.costMicroUsd);
  assert.ok(before.cost.expected! > 2 * after.cost.expected!);
  const plan = await engine.query(`EXPLAIN (FORMAT TREE) ${map} WITH (cache = 'refresh')`);
  const text = JSON.stringify(plan.rows);
  const noted = JSON.stringify(after.notes);
  assert.match(noted, /cost counts on the provider's cache: ask: 90 % of the prompt/);
  assert.match(text, /90 % from the provider's cache/);
});

test.run();
