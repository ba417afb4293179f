/**
 * Measures how much a provider's prompt cache saves for the built-in operators, whose prompts begin with their constant
 * text.
 */
import { Engine } from '../../src/index.ts';
import type { ChatRequest } from '../../src/model/chat.ts';
import { costOfCall } from '../../src/model/prices.ts';
import type { Sample, Suite, Variant } from '../suite.ts';

const ROWS = 200;
const CHARS_PER_TOKEN = 4;
/** OpenAI caches the start of a prompt from this many tokens on: https://platform.openai.com/docs/guides/prompt-caching */
const CACHE_FROM = 1_024;
/** The length of the cached part is a multiple of this many tokens. */
const CACHE_STEP = 128;
/** The server whose public prices are used. */
const SERVER = {
  id: 'openai',
  type: 'openai-compatible',
  baseUrl: 'https://api.openai.com/v1',
} as const;
const MODEL = 'gpt-4o-mini';

/** A long constant, as people write them: a list of classes with their descriptions. */
const CLASSES = Array.from(
  { length: 60 },
  (_, n) =>
    `class ${n}: what customers write about part ${n} of the product and its delivery or price`,
);
const GUIDE = CLASSES.join(', ');

/** Measures the input tokens of all calls of a statement, and how many of them repeat the start of the previous prompt. */
async function measure(
  expression: string,
  parameter: string,
  answer: string | boolean,
): Promise<Sample> {
  let before = '';
  let tokens = 0;
  let cachedTokens = 0;
  const model = async ({ messages }: ChatRequest) => {
    const prompt = messages.map(({ content }) => content).join('\n');
    let same = 0;
    while (same < prompt.length && prompt[same] === before[same]) same += 1;
    const steps = Math.floor(same / CHARS_PER_TOKEN / CACHE_STEP) * CACHE_STEP;
    tokens += Math.ceil(prompt.length / CHARS_PER_TOKEN);
    if (steps >= CACHE_FROM) cachedTokens += steps;
    before = prompt;
    return { text: JSON.stringify({ answer }), finishReason: 'stop' } as const;
  };
  await using engine = await Engine.open({ threads: 1, model });
  const { summary } = await engine.query(
    `-- @ parallel: 1\nSELECT ${expression} FROM (SELECT 'Text ' || i AS d FROM range(${ROWS}) r(i))`,
    [parameter],
  );
  if (summary.calls.sent !== ROWS) throw new Error(`${summary.calls.sent} calls for ${ROWS} rows`);
  const costOf = (cached: number) =>
    costOfCall({ ...SERVER, responseFormat: 'json_schema', connections: 0 }, {}, MODEL, {
      inputTokens: tokens,
      outputTokens: 0,
      cachedTokens: cached,
    })?.costMicroUsd ?? Number.NaN;
  return { tokens, cachedTokens, cost: costOf(cachedTokens), uncachedCost: costOf(0) };
}

const variants: readonly Variant[] = [
  {
    name: 'CLASSIFY by a long list',
    measure: () => measure('CLASSIFY(d, $1)', GUIDE, CLASSES[0]!),
  },
  { name: 'MEANS a long criterion', measure: () => measure('d MEANS $1', GUIDE, true) },
  { name: 'ASK a long request', measure: () => measure('d ASK $1', GUIDE, 'yes') },
  { name: 'MEANS a short criterion', measure: () => measure('d MEANS $1', 'eco-friendly', true) },
];

export const caching: Suite = {
  name: 'caching',
  about: `input of ${ROWS} calls at ${MODEL}'s list price, where the provider caches the beginnings of prompts`,
  samples: 1,
  variants,
  figures: (median) =>
    variants.map(({ name }) => ({
      name: `${name}, of its uncached price`,
      value: median(name, 'cost') / median(name, 'uncachedCost'),
      unit: '×',
    })),
};
