import { resolve } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RvbbitError } from '../../src/errors.ts';
import type { HttpSettings } from '../../src/model/chat.ts';
import {
  configureModels as configure,
  type ModelConfig,
  type ModelSources,
  resolveTarget,
} from '../../src/model/configure.ts';
import { costOfCall, priceOf } from '../../src/model/prices.ts';
import { retryAfterMs, retryAfterOf } from '../../src/model/retry-after.ts';
import { configOf } from './config-support.ts';

/** The sources of an engine, with the file as YAML reads it. */
interface Sources extends Omit<ModelSources, 'config'> {
  readonly config?: unknown;
}

function configureModels({ config, ...sources }: Sources): ModelConfig {
  return configure(config === undefined ? sources : { ...sources, config: configOf(config) });
}

/** Of a file's problems without their heading and places. */
function failure(sources: Sources, model?: string): string {
  try {
    const config = configureModels(sources);
    if (model !== undefined) resolveTarget(config, model);
    return 'ok';
  } catch (error) {
    if (!(error instanceof RvbbitError)) throw error;
    const problems = error.message
      .replace(/^the configuration has .*:\n/, '')
      .replaceAll(/^rvbbit\.config\.yaml:\d+:\d+ /gm, '');
    return `${error.code} ${problems}`;
  }
}

function http(config: ModelConfig, id: string): HttpSettings {
  const settings = config.providers.get(id)?.settings;
  assert.is(settings?.type, 'openai-compatible');
  return settings as HttpSettings;
}

const KEY = 'sk-canary-0123456789abcdef';
const ROUTER = { OPENROUTER_API_KEY: KEY };

test('the environment alone makes providers', () => {
  const made = configureModels({
    env: {
      OPENAI_API_KEY: `${KEY}\n`,
      ...ROUTER,
      OLLAMA_HOST: '0.0.0.0',
      RVBBIT_MODEL: 'openrouter/openai/gpt-4o-mini',
    },
  });
  const { providers, defaultTarget } = made;
  assert.equal([...providers.keys()], ['openai', 'openrouter', 'ollama']);
  assert.equal(providers.get('openai')!.settings, {
    id: 'openai',
    type: 'openai-compatible',
    baseUrl: 'https://api.openai.com/v1',
    apiKey: KEY,
    responseFormat: 'json_schema',
    connections: 0,
    batches: true,
  });
  assert.is(http(made, 'ollama').baseUrl, 'http://127.0.0.1:11434/v1');
  assert.is(http(made, 'ollama').apiKey, undefined);
  assert.ok(defaultTarget?.kind === 'provider');
  assert.is(defaultTarget?.model, 'openai/gpt-4o-mini');
  assert.is(configureModels({}).defaultTarget, undefined);
  const hosts = {
    'box:1234': 'http://box:1234/v1',
    'https://o.example': 'https://o.example/v1',
    '[::1]': 'http://[::1]:11434/v1',
  };
  for (const [host, url] of Object.entries(hosts)) {
    assert.is(http(configureModels({ env: { OLLAMA_HOST: host } }), 'ollama').baseUrl, url);
  }
  const local = configureModels({ env: { OPENAI_BASE_URL: 'http://127.0.0.1:8000/v1/' } });
  assert.is(http(local, 'openai').baseUrl, 'http://127.0.0.1:8000/v1');
  assert.is(local.providers.get('openai')!.missingKey, undefined);
});

test('each service that the environment names is asked in its own way', () => {
  const { providers } = configureModels({
    env: {
      ...{ ANTHROPIC_API_KEY: KEY, GEMINI_API_KEY: KEY, MISTRAL_API_KEY: KEY, GROQ_API_KEY: KEY },
      ...{ DEEPSEEK_API_KEY: KEY, AZURE_OPENAI_API_KEY: KEY, LMSTUDIO_HOST: 'box' },
      AZURE_OPENAI_ENDPOINT: 'https://mine.openai.azure.com/',
    },
  });
  const shown = [...providers.values()].map(({ settings }) => {
    const { id, type, baseUrl, responseFormat, apiKey, streamOptions } = settings as HttpSettings;
    return [id, type, baseUrl, responseFormat, apiKey === KEY, streamOptions ?? true];
  });
  const openAi = 'openai-compatible';
  assert.equal(shown, [
    ['anthropic', 'anthropic', 'https://api.anthropic.com/v1', 'json_schema', true, true],
    [
      ...['gemini', openAi, 'https://generativelanguage.googleapis.com/v1beta/openai'],
      ...['json_schema', true, true],
    ],
    ['mistral', openAi, 'https://api.mistral.ai/v1', 'json_schema', true, false],
    ['groq', openAi, 'https://api.groq.com/openai/v1', 'none', true, true],
    ['deepseek', openAi, 'https://api.deepseek.com/v1', 'json_object', true, true],
    ['azure', openAi, 'https://mine.openai.azure.com/openai/v1', 'json_schema', true, true],
    ['lmstudio', openAi, 'http://box:1234/v1', 'json_schema', false, true],
  ]);
  const urlOf = (id: string, env: Readonly<Record<string, string>>) =>
    (configureModels({ env }).providers.get(id)!.settings as HttpSettings).baseUrl;
  for (const root of ['http://127.0.0.1:9', 'http://127.0.0.1:9/', 'http://127.0.0.1:9/v1']) {
    assert.is(urlOf('anthropic', { ANTHROPIC_BASE_URL: root }), 'http://127.0.0.1:9/v1');
  }
  for (const path of ['', '/openai', '/openai/v1/']) {
    const env = { AZURE_OPENAI_ENDPOINT: `https://a.example${path}` };
    assert.is(urlOf('azure', env), 'https://a.example/openai/v1');
  }
});

test('an entry of the file says protocol, stream and gap, and a preset the rest', () => {
  const config = {
    providers: {
      claude: {
        type: 'anthropic',
        base_url: 'http://10.0.0.1/v1',
        stream: true,
        idle_timeout: '5s',
      },
      anthropic: { stream: true },
      mistral: { base_url: 'http://10.0.0.1/v1' },
    },
  };
  const { providers } = configureModels({ config, env: { ANTHROPIC_API_KEY: KEY } });
  const { settings } = providers.get('claude')!;
  assert.equal(settings, {
    ...{ id: 'claude', type: 'anthropic', baseUrl: 'http://10.0.0.1/v1', connections: 0 },
    ...{ responseFormat: 'json_schema', stream: true, idleTimeoutMs: 5_000 },
  });
  const known = providers.get('anthropic')!.settings as HttpSettings;
  assert.equal([known.type, known.stream, known.apiKey], ['anthropic', true, KEY]);
  const elsewhere = providers.get('mistral')!.settings as HttpSettings;
  assert.equal([elsewhere.responseFormat, elsewhere.streamOptions], ['none', undefined]);
  for (const idle of ['0s', '2h', 'soon', -1]) {
    const wrong = { providers: { p: { base_url: 'http://a', idle_timeout: idle } } };
    assert.throws(() => configureModels({ config: wrong }), /idle_timeout: expected a duration/);
  }
});

test('the file adds to the environment, and the API to both', () => {
  const config = {
    model: 'work/m',
    providers: {
      work: {
        type: 'openai-compatible',
        base_url: 'http://10.0.0.1/v1',
        api_key_env: 'WORK_KEY',
        limits: { rpm: 60, in_flight: 5 },
      },
      openrouter: {
        prices: { 'openai/gpt-4o-mini': { input_per_mtok: 0.15, output_per_mtok: 0.6 } },
      },
    },
  };
  const env = { WORK_KEY: KEY, ...ROUTER };
  const made = configureModels({ config, env });
  assert.equal(made.providers.get('work')!.limits, { rpm: 60, inFlight: 5 });
  assert.is(http(made, 'openrouter').apiKey, KEY);
  assert.equal(made.providers.get('openrouter')!.prices, {
    'openai/gpt-4o-mini': { inputPerMtok: 0.15, outputPerMtok: 0.6 },
  });
  assert.is(made.defaultTarget?.model, 'm');
  const options = {
    model: 'work/n',
    providers: { work: { apiKey: 'another-key-of-mine', baseUrl: 'http://h/v1' } },
  };
  const over = configureModels({ config, env, options });
  assert.is(over.defaultTarget?.model, 'n');
  assert.is(http(over, 'work').apiKey, 'another-key-of-mine');
  assert.equal(
    configureModels({ config, env: { ...env, RVBBIT_MODEL: 'work/env' } }).defaultTarget?.model,
    'env',
  );
});

test('limits have a window and models of their own', () => {
  const limits = {
    rpm: 180,
    window: '1s',
    in_flight: 5,
    ramp: 2,
    models: { 'a/b': { input_tpm: 100, output_tpm: 9, window: 90 } },
  };
  const read = configureModels({ config: { providers: { p: { base_url: 'http://h', limits } } } });
  const expected = {
    rpm: 180,
    windowMs: 1_000,
    inFlight: 5,
    ramp: 2,
    models: { 'a/b': { inputTpm: 100, outputTpm: 9, windowMs: 90_000 } },
  };
  assert.equal(read.providers.get('p')!.limits, expected);
  const p = {
    baseUrl: 'http://h',
    limits: { rpm: 180, window: '1s', inFlight: 5, ramp: 2, models: { x: { outputTpm: 9 } } },
  };
  const api = configureModels({ options: { providers: { p } } });
  assert.equal(api.providers.get('p')!.limits, { ...expected, models: { x: { outputTpm: 9 } } });
});

test('a key from the environment does not go to another server than it was for', () => {
  const config = { providers: { openrouter: { base_url: 'http://elsewhere.example/v1' } } };
  assert.is(http(configureModels({ config, env: ROUTER }), 'openrouter').apiKey, undefined);
});

test('the URL of the file counts above that of a variable, which keeps its key', () => {
  const env = { OPENAI_BASE_URL: 'http://10.9.9.9/v1', OPENAI_API_KEY: KEY };
  const config = { providers: { openai: { base_url: 'http://10.1.1.1/v1' } } };
  const { baseUrl, apiKey } = http(configureModels({ config, env }), 'openai');
  assert.equal([baseUrl, apiKey], ['http://10.1.1.1/v1', undefined]);
  const same = { providers: { openai: { base_url: env.OPENAI_BASE_URL } } };
  assert.is(http(configureModels({ config: same, env }), 'openai').apiKey, KEY);
});

test('what was meant for one server is not inherited with another', () => {
  const price = { input_per_mtok: 1, output_per_mtok: 1 };
  const work = { base_url: 'https://a.example/v1', allow_private: true, prices: { m: price } };
  const config = { providers: { work: { ...work, headers: { 'x-team': 's' } } } };
  const options = { providers: { work: { baseUrl: 'https://b.example/v1' } } };
  const { settings, prices } = configureModels({ config, options }).providers.get('work')!;
  assert.equal(prices, {});
  assert.is((settings as HttpSettings).allowPrivate, undefined);
  const near = configureModels({ config, options: { providers: { work: { connections: 2 } } } });
  assert.is(http(near, 'work').allowPrivate, true);
});

test('a model goes to its provider, a bare name to the only one', () => {
  const one = configureModels({ env: ROUTER });
  assert.is(resolveTarget(one, 'openrouter/a/b').model, 'a/b');
  assert.is(resolveTarget(one, 'gpt').model, 'gpt');
  assert.match(
    failure({ env: ROUTER }, 'qwen/q3'),
    /^RVB_NO_MODEL the model qwen\/q3 is of a provider qwen, .*there is openrouter; write openrouter\/qwen\/q3/,
  );
  assert.match(
    failure({ env: { ...ROUTER, OLLAMA_HOST: 'x' } }, 'gpt'),
    /^RVB_NO_MODEL .*there are openrouter, ollama/,
  );
  assert.match(
    failure({}, 'openai/x'),
    /^RVB_NO_MODEL .*no provider[\s\S]*OLLAMA_HOST[\s\S]*OPENROUTER_API_KEY[\s\S]*OPENAI_API_KEY[\s\S]*vLLM/,
  );
  assert.match(failure({ env: ROUTER }, 'openrouter/'), /^RVB_OPTION_TYPE/);
  assert.match(
    failure({ config: { providers: { openrouter: {} } } }, 'openrouter/x'),
    /^RVB_NO_MODEL .*OPENROUTER_API_KEY, which is not set/,
  );
  const answer = async (): Promise<{ text: string; finishReason: 'stop' }> => ({
    text: '',
    finishReason: 'stop',
  });
  const own = configureModels({ options: { model: answer }, env: ROUTER });
  assert.equal(own.defaultTarget, { kind: 'function', model: 'answer' });
  assert.equal(resolveTarget(own, 'openai/gpt'), { kind: 'function', model: 'openai/gpt' });
  assert.is(resolveTarget(own, 'openrouter/gpt').kind, 'provider');
});

test('a wrong setting is an error with its path, and no key is ever shown', () => {
  const wrong: readonly (readonly [object | string | number, RegExp])[] = [
    [{ api_key: KEY }, /^RVB_OPTION_TYPE providers\.p\.api_key: .*api_key_env/],
    [{ api_key_env: KEY }, /^RVB_OPTION_TYPE providers\.p\.api_key_env/],
    [{ base_url: `http://me:${KEY}@h/` }, /credentials/],
    [{ base_url: 'file:///etc' }, /http or https/],
    [{ base_url: 'h/v1' }, /http or https/],
    [{ bas_url: 'http://h' }, /^RVB_UNKNOWN_OPTION .*did you mean base_url\?/],
    [{ type: 'replay' }, /^RVB_OPTION_TYPE providers\.p\.file is missing$/],
    [
      { type: 'replay', file: 'a', base_url: 'http://h' },
      /^RVB_UNKNOWN_OPTION unknown key base_url in providers\.p; it has type, file, mode, from$/,
    ],
    [
      { type: 'replay', file: 'a', mode: 'rec' },
      /providers\.p\.mode: .* expected one of "play"\|"record"$/,
    ],
    [{ type: 'replay', file: 'a', mode: 'record' }, /needs from/],
    [{ type: 'replay', file: 'a', mode: 'record', from: 'x' }, /provider x is not configured/],
    [{ type: 'replay', file: 'a', mode: 'record', from: 'p' }, /provider p is not configured/],
    [{ type: 'lexical', prices: {} }, /unknown key prices in providers\.p; it has type$/],
    [
      { type: 'grpc' },
      /^RVB_OPTION_TYPE providers\.p\.type: expected openai-compatible, anthropic, replay or lexical$/,
    ],
    [{ headers: { Authorization: KEY } }, /secret/],
    [{ headers: { Host: 'h' } }, /own/],
    [{ headers: { a: `${KEY}\r\nx: y` } }, /plain characters/],
    [
      { limits: { rpm: 0 } },
      /^RVB_OPTION_TYPE providers\.p\.limits\.rpm: expected a whole number from 1 to 1000000000000$/,
    ],
    [{ limits: { rps: 5 } }, /did you mean rpm\?/],
    [
      { limits: { rpm: 30, window: '1s' } },
      /limits\.rpm: 30 a minute is less than one in .*window/,
    ],
    [{ limits: { window: 'soon' } }, /providers\.p\.limits\.window: expected a duration/],
    [{ limits: { window: '2h' } }, /limits\.window: expected a duration up to an hour/],
    [{ limits: { ramp: 0.5 } }, /limits\.ramp: expected a whole number/],
    [{ limits: { models: { m: { rpm: -1 } } } }, /p\.limits\.models\.m\.rpm: expected/],
    [
      { limits: { models: { m: { models: {} } } } },
      /^RVB_UNKNOWN_OPTION .*limits\.models\.m; it has rpm/,
    ],
    [
      { prices: { m: { input_per_mtok: -1, output_per_mtok: 1 } } },
      /providers\.p\.prices\.m\.input_per_mtok/,
    ],
    [{ prices: { m: { input_per_mtok: 1 } } }, /output_per_mtok/],
    [{ response_format: 'xml' }, /json_schema/],
    [{ base_url: 'http://h', proxy: `http://me:${KEY}@h` }, /credentials; use proxy_key_env/],
    [{ base_url: 'http://h', proxy: 'socks5://h' }, /http or https/],
    [{ base_url: 'http://h', proxy: 'http://h/p' }, /without a path/],
    [{ base_url: 'http://h', proxy: 'http://h', proxy_key: KEY }, /proxy_key: .*proxy_key_env/],
    [{ base_url: 'http://h', proxy: 'http://h', proxy_key_env: `me:${KEY}` }, /name of an env/],
    [{ base_url: 'http://h', proxy_key_env: 'K' }, /a key for a proxy, and no proxy/],
    [{ base_url: 'http://h', headers: { 'Proxy-Authorization': KEY } }, /own/],
    [{ base_url: 'http://h', allow_private: 'yes' }, /allow_private: expected boolean/],
    [{}, /providers\.p needs a base_url/],
    ['x', /providers\.p: expected object/],
  ];
  for (const [entry, expected] of wrong) {
    const text = failure({ config: { providers: { p: entry } } });
    assert.match(text, expected);
    assert.not.match(text, KEY);
  }
  assert.match(failure({ config: [] }), /RVB_OPTION_TYPE/);
  assert.match(failure({ config: { providers: { 'a/b': {} } } }), /an id has/);
  for (const id of ['function', 'lexical']) {
    const taken = /^RVB_OPTION_TYPE providers\.\w+: this id is that of .*; choose another/;
    assert.match(failure({ config: { providers: { [id]: { base_url: 'http://h' } } } }), taken);
    assert.match(failure({ options: { providers: { [id]: { baseUrl: 'http://h' } } } }), taken);
  }
  assert.match(failure({ options: { model: 5 } }), /RVB_OPTION_TYPE model/);
  assert.match(
    failure({
      config: { providers: { p: { type: 'replay', file: 'a' } } },
      options: { providers: { p: { baseUrl: 'http://h' } } },
    }),
    /^RVB_OPTION_TYPE providers\.p\.baseUrl: a provider of type replay has no such key$/,
  );
  assert.match(
    failure({ options: { providers: { p: { api_key: KEY } } } }),
    /^RVB_UNKNOWN_OPTION unknown key api_key in providers\.p; did you mean apiKey\?$/,
  );
  assert.match(failure({ env: { OPENAI_BASE_URL: 'ftp://x' } }), /OPENAI_BASE_URL/);
});

test('an entry of another type than what is known by its id inherits nothing', () => {
  const options = { providers: { openrouter: { type: 'replay', file: 'calls.ndjson' } } };
  const { settings, missingKey } = configureModels({ options, env: ROUTER }).providers.get(
    'openrouter',
  )!;
  assert.equal(settings, { id: 'openrouter', type: 'replay', file: resolve('calls.ndjson') });
  assert.is(missingKey, undefined);
});

test('a recording lies beside its configuration file and asks a provider with its key', () => {
  const config = {
    providers: {
      tape: { type: 'replay', file: 'a/calls.ndjson', mode: 'record', from: 'openrouter' },
    },
  };
  const made = configureModels({ config, configFolder: '/etc/shop', env: ROUTER });
  const tape = made.providers.get('tape')!.settings;
  assert.ok(tape.type === 'replay');
  assert.is(tape.file, resolve('/etc/shop/a/calls.ndjson'));
  assert.equal(tape.record, http(made, 'openrouter'));
  assert.match(
    failure({ config: { providers: { ...config.providers, openrouter: {} } } }, 'tape/x'),
    /^RVB_NO_MODEL .*OPENROUTER_API_KEY, which is not set/,
  );
});

test('word overlap answers where it is named, and is never what is left over', () => {
  const none = configureModels({});
  for (const name of ['lexical', 'lexical/overlap', 'lexical/lexical']) {
    const target = resolveTarget(none, name);
    assert.is(target.model, 'lexical');
    assert.equal(target.kind === 'provider' && target.provider, { id: 'lexical', type: 'lexical' });
  }
  assert.is(none.defaultTarget, undefined);
  assert.match(failure({}, 'lexical/gpt-4o'), /^RVB_NO_MODEL .*write lexical\/overlap/);
  const own = { config: { providers: { words: { type: 'lexical' } } } };
  assert.is(configureModels(own).defaultTarget, undefined);
  assert.is(resolveTarget(configureModels(own), 'words').model, 'lexical');
  assert.match(failure(own, 'gpt-4o'), /^RVB_NO_MODEL words\/gpt-4o is no model/);
  assert.is(configureModels({ env: { RVBBIT_MODEL: 'lexical' } }).defaultTarget?.model, 'lexical');
  const spend = { inputTokens: 0, outputTokens: 0 };
  const free = costOfCall({ id: 'lexical', type: 'lexical' }, {}, 'lexical', spend);
  assert.equal(free, { costMicroUsd: 0 });
});

test('a proxy has a key of its own, which does not follow to another proxy', () => {
  const config = {
    providers: {
      work: { base_url: 'https://h/v1', proxy: 'http://proxy:3128', proxy_key_env: 'PROXY_KEY' },
    },
  };
  const env = { PROXY_KEY: 'me:secret-of-the-proxy', HTTPS_PROXY: 'http://elsewhere:1' };
  assert.equal(http(configureModels({ config, env }), 'work').proxy, {
    url: 'http://proxy:3128',
    key: 'me:secret-of-the-proxy',
  });
  const options = { providers: { work: { proxy: 'http://other:3128' } } };
  assert.equal(http(configureModels({ config, env, options }), 'work').proxy, {
    url: 'http://other:3128',
  });
  assert.match(failure({ config }, 'work/m'), /needs a key in PROXY_KEY, which is not set/);
  const bare = { config: { providers: { work: { base_url: 'https://h/v1' } } }, env };
  assert.is(http(configureModels(bare), 'work').proxy, undefined);
});

test('Retry-After is seconds or a date, counts as a minute at most, and more than a day as nothing', () => {
  const now = Date.parse('Wed, 21 Oct 2015 07:28:00 GMT');
  const read: readonly (readonly [string | undefined, number | undefined])[] = [
    ['0', 0],
    ['7', 7_000],
    ['1.5', 1_500],
    ['86400', 60_000],
    ['86401', undefined],
    ['1000000000', undefined],
    ['1e9', undefined],
    ['Wed, 21 Oct 2015 07:28:05 GMT', 5_000],
    ['Wed, 21 Oct 2015 09:28:05 GMT', 60_000],
    ['Wed, 21 Oct 2099 07:28:05 GMT', undefined],
    ['Wed, 21 Oct 2014 07:28:05 GMT', undefined],
    ['-5', undefined],
    ['soon', undefined],
    ['9'.repeat(400), undefined],
    ['', undefined],
    [undefined, undefined],
  ];
  for (const [header, ms] of read) assert.is(retryAfterMs(header, now), ms, header);
  assert.is(retryAfterOf({ 'retry-after': '9', 'retry-after-ms': '250' }, now), 250);
  assert.is(retryAfterOf({ 'retry-after-ms': '86400001' }, now), undefined);
});

test('a cost is whole micro-dollars rounded up, and an unknown price is none', () => {
  const usage = { inputTokens: 1_000, outputTokens: 100 };
  const openai = { baseUrl: 'https://api.openai.com/v1' };
  assert.equal(priceOf(openai, 'gpt-4o-mini', usage), { costMicroUsd: 210 });
  const router = { baseUrl: 'https://openrouter.ai/api/v1' };
  assert.equal(priceOf(router, 'openai/gpt-4o-mini', usage), { costMicroUsd: 210 });
  assert.is(priceOf(openai, 'no-such-model', usage), undefined);
  const gateway = { baseUrl: 'http://127.0.0.1:8000/v1' };
  for (const model of ['gpt-4o-mini', 'openai/gpt-4o-mini']) {
    assert.equal(priceOf(gateway, model, usage), { costMicroUsd: 210, isAssumed: true });
  }
  // Many sell a model that its maker does not keep to itself, and whoever runs one pays nothing.
  for (const model of ['llama3.2', 'gpt-oss-20b', 'gemma3', 'no-such-model']) {
    assert.is(priceOf(gateway, model, usage), undefined, model);
  }
  const price = { inputPerMtok: 0.15, outputPerMtok: 0.6 };
  assert.equal(priceOf(openai, 'x', { inputTokens: 1, outputTokens: 0 }, price), {
    costMicroUsd: 1,
  });
  assert.equal(priceOf(openai, 'x', { inputTokens: 100, outputTokens: 0 }, price), {
    costMicroUsd: 15,
  });
  const free = { inputPerMtok: 0, outputPerMtok: 0 };
  assert.equal(priceOf(openai, 'x', usage, free), { costMicroUsd: 0 });
});

test.run();
