// Ten cheap calls to every provider whose key is in the environment, through the engine's own provider code, and what
// of their outcomes differs from the simulated server's. Run by an owner of keys: npm run live-smoke [provider=model …]
import { finishProviders, readSources } from '../dist/src/model/configure.js';
import { HttpProvider } from '../dist/src/model/http-provider.js';
import { costOfCall } from '../dist/src/model/prices.js';
import { startSimulator } from '../dist/src/testing.js';

const CALL_MS = 60_000;
/** Small models of each service; another one is named on the command line. */
const MODELS = {
  openai: 'gpt-4o-mini',
  anthropic: 'claude-3-5-haiku-latest',
  gemini: 'gemini-2.0-flash',
  mistral: 'mistral-small-latest',
  groq: 'llama-3.1-8b-instant',
  deepseek: 'deepseek-chat',
  openrouter: 'openai/gpt-4o-mini',
};
const NO_SUCH_MODEL = 'no-such-model-at-all';
const NO_KEY = 'sk-wrong-key-of-the-live-smoke';
const SCHEMA = {
  type: 'object',
  required: ['answer'],
  additionalProperties: false,
  properties: { answer: { type: 'boolean' } },
};
const user = (content) => [{ role: 'user', content }];
const YES = user('Answer with the single word yes.');
const IS_GREEN = [
  {
    role: 'system',
    content: `Answer with JSON that fits this JSON Schema:\n${JSON.stringify(SCHEMA)}`,
  },
  { role: 'user', content: 'Is grass green?' },
];
const LONG =
  'The harbour keeps a list of ships, and every ship has a name, a port and a flag. '.repeat(80);

/** Name, request, and the settings that the case changes. */
const CASES = [
  ['a word', { messages: YES, parameters: { max_tokens: 50 } }],
  ['a word, streamed', { messages: YES, parameters: { max_tokens: 50 } }, { stream: true }],
  ['a schema', { messages: IS_GREEN, parameters: { max_tokens: 100 }, responseSchema: SCHEMA }],
  [
    'a schema, streamed',
    { messages: IS_GREEN, parameters: { max_tokens: 100 }, responseSchema: SCHEMA },
    { stream: true },
  ],
  ['other letters', { messages: user('Repeat: Grüße, 世界 🙂'), parameters: { max_tokens: 50 } }],
  ['temperature 0', { messages: YES, parameters: { max_tokens: 50, temperature: 0 } }],
  ['cut off', { messages: user('Count from 1 to 500.'), parameters: { max_tokens: 16 } }],
  ['a long prompt', { messages: user(`${LONG}\nAnswer yes.`), parameters: { max_tokens: 50 } }],
  ['no such model', { messages: YES, parameters: { max_tokens: 16 }, model: NO_SUCH_MODEL }],
  ['a wrong key', { messages: YES, parameters: { max_tokens: 16 } }, { apiKey: NO_KEY }],
];

/** What of an outcome does not depend on what the model says. */
function factsOf(outcome) {
  if (!outcome.ok) {
    const { error, status, retryable } = outcome;
    return { outcome: error.code, status: status ?? null, retryable };
  }
  const { finishReason, usage, text } = outcome.response;
  return {
    outcome: 'ok',
    status: outcome.status ?? null,
    finishReason,
    isText: text.trim() !== '',
    countsIn: (usage?.inputTokens ?? 0) > 0,
    countsOut: (usage?.outputTokens ?? 0) > 0,
  };
}

/** One call, asked again without what its model refuses. */
async function ask(settings, request) {
  const provider = new HttpProvider(settings);
  const drop = [];
  const rename = {};
  try {
    for (let turn = 0; ; turn++) {
      const learned = { drop, rename };
      const limits = { signal: new AbortController().signal, timeoutMs: CALL_MS, learned };
      const outcome = await provider.chat(request, limits);
      if (outcome.ok || outcome.refused === undefined || turn === 4) return outcome;
      const { parameter, instead } = outcome.refused;
      console.log(
        `    it refuses ${parameter}${instead === undefined ? '' : ` and takes ${instead}`}`,
      );
      if (instead === undefined) drop.push(parameter);
      else rename[parameter] = instead;
    }
  } finally {
    await provider.close();
  }
}

/** What the simulated server does in each case, in the provider's protocol. */
async function simulated(settings, model) {
  const outcomes = [];
  for (const [name, request, change = {}] of CASES) {
    const rules =
      name === 'no such model'
        ? [{ status: 404 }]
        : name === 'a wrong key'
          ? [{ status: 401 }]
          : name === 'cut off'
            ? [{ answer: 'word '.repeat(100) }]
            : request.responseSchema === undefined
              ? [{ answer: 'yes' }]
              : [{ answer: { answer: true } }];
    const simulator = await startSimulator({ rules });
    const local = { ...settings, ...change, baseUrl: simulator.url };
    outcomes.push(factsOf(await ask(local, { model, ...request })));
    await simulator.close();
  }
  return outcomes;
}

async function smoke(id, { settings, prices }, model) {
  console.log(`${id}/${model} at ${new URL(settings.baseUrl).host}`);
  const expected = await simulated(settings, model);
  let differences = 0;
  let microUsd = 0;
  for (const [index, [name, request, change = {}]] of CASES.entries()) {
    const outcome = await ask({ ...settings, ...change }, { model, ...request });
    const usage = outcome.ok ? outcome.response.usage : outcome.usage;
    if (usage !== undefined) {
      microUsd += costOfCall(settings, prices, model, usage)?.costMicroUsd ?? 0;
    }
    const facts = factsOf(outcome);
    const other = Object.keys({ ...facts, ...expected[index] }).filter(
      (key) => facts[key] !== expected[index][key],
    );
    differences += other.length === 0 ? 0 : 1;
    const said = outcome.ok ? '' : `; ${outcome.error.message}`;
    console.log(other.length === 0 ? `  same   ${name}` : `  OTHER  ${name}${said}`);
    for (const key of other) {
      console.log(`    ${key}: ${facts[key]}, and ${expected[index][key]} simulated`);
    }
    const cached = usage?.cachedTokens;
    if (cached !== undefined)
      console.log(`    ${cached} of ${usage.inputTokens} tokens were cached`);
  }
  console.log(`  ${differences} of ${CASES.length} differ; $${(microUsd / 1e6).toFixed(6)}`);
  return differences;
}

const named = Object.fromEntries(process.argv.slice(2).map((word) => word.split(/=(.*)/s)));
const { entries } = readSources({ env: process.env });
const providers = [...finishProviders(entries, process.env)].filter(
  ([, { settings, missingKey }]) => 'baseUrl' in settings && missingKey === undefined,
);
const chosen = providers.filter(([id]) => Object.keys(named).length === 0 || id in named);
if (chosen.length === 0) {
  console.error(
    'live-smoke: no provider to ask. Set OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY or another key; it makes ten small calls a provider, for less than a cent',
  );
  process.exit(2);
}
let differences = 0;
for (const [id, provider] of chosen) {
  const model = named[id] || MODELS[id];
  if (model === undefined) {
    console.error(`live-smoke: name a model of ${id}: npm run live-smoke -- ${id}=<model>`);
    process.exit(2);
  }
  differences += await smoke(id, provider, model);
}
process.exit(differences === 0 ? 0 : 1);
