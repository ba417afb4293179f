/** The configuration as it is published and as it is shown. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { compileJson } from '../../src/cascade/json-validator.ts';
import { configJsonSchema } from '../../src/model/config-schema.ts';
import { configureModels } from '../../src/model/configure.ts';
import { describeConfig } from '../../src/model/describe-config.ts';
import type { Json, JsonObject } from '../../src/util/json.ts';
import { configOf } from './config-support.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const check = compileJson(configJsonSchema());

function isRead(config: Json): boolean {
  try {
    configureModels({
      config: configOf(config),
      env: { WORK_API_KEY: 'k'.repeat(20), OPENAI_API_KEY: 'k'.repeat(20) },
    });
    return true;
  } catch {
    return false;
  }
}

test('the schema takes what is read, and refuses what is refused', () => {
  const base_url = 'http://127.0.0.1:8000/v1';
  const entries: readonly Json[] = [
    null,
    { base_url },
    { type: 'openai-compatible', base_url, proxy: 'http://proxy:3128', proxy_key_env: 'K' },
    { base_url, headers: { 'x-a': 'b' }, response_format: 'none', connections: 0 },
    { base_url, limits: { rpm: 1 }, prices: { m: { input_per_mtok: 0, output_per_mtok: 1 } } },
    { base_url, allow_private: true },
    { type: 'replay', file: 'calls.ndjson' },
    { type: 'replay', file: 'calls.ndjson', mode: 'record', from: 'lexical' },
    { type: 'lexical' },
    { base_url, api_key: 'sk-1' },
    { base_url, api_key_env: 'sk-1' },
    { base_url, proxy_key: 'a:b' },
    { base_url: 'ftp://h' },
    { base_url: 'http://me:secret@h/v1' },
    { base_url, file: 'calls.ndjson' },
    { base_url, limits: { rpm: 0 } },
    { base_url, limits: { rps: 1 } },
    { base_url, prices: { m: {} } },
    { base_url, response_format: 'xml' },
    { base_url, allow_private: 'yes' },
    { type: 'replay' },
    { type: 'replay', file: 'a', base_url },
    { type: 'replay', file: 'a', mode: 'rewind' },
    { type: 'lexical', base_url },
    { type: 'grpc' },
    'text',
  ];
  for (const entry of entries) {
    // `openrouter` is known by its id, so that an entry may be empty.
    const config = { providers: { openrouter: entry } };
    assert.is(check(config) === undefined, isRead(config), JSON.stringify(entry));
  }
  for (const config of [
    { model: 'a/b', providers: { 'a/b': {} } },
    { providers: { function: { base_url } } },
    { providers: { lexical: { base_url } } },
    { providers: { lexical: { type: 'lexical' } } },
  ]) {
    assert.is(check(config) === undefined, isRead(config), JSON.stringify(config));
  }
});

test('the schema knows every key that is read', () => {
  const keysOf = (entry: object): readonly string[] => {
    const config = { providers: { p: entry } };
    try {
      configureModels({ config: configOf(config) });
    } catch (thrown) {
      return /it has (.*)$/.exec((thrown as Error).message)?.[1]?.split(', ') ?? [];
    }
    return [];
  };
  const schema = JSON.stringify(configJsonSchema());
  const keys = [...keysOf({ zzzzzzzz: 1 }), ...keysOf({ limits: { zzzzzzzz: 1 } })];
  assert.ok(keys.includes('base_url') && keys.includes('rpm'));
  const missing = keys.filter((key) => !schema.includes(`"${key}":`));
  assert.equal(missing, []);
});

test('the examples of docs/models.md and docs/calls.md fit the schema and are read', () => {
  const pages = ['models', 'calls'].map((name) => readFileSync(`${root}docs/${name}.md`, 'utf8'));
  const docs = pages.join('\n');
  const blocks = [...docs.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, text]) => text!);
  assert.ok(blocks.length >= 2);
  for (const block of blocks) {
    const config = parse(block) as JsonObject;
    assert.is(check(config), undefined, block);
    assert.ok(isRead(config), block);
  }
});

test('what is shown says where it comes from', () => {
  const sources = {
    options: {
      providers: {
        work: { connections: 3, apiKey: 'sk-canary-0123456789' },
        own: { baseUrl: 'http://o', apiKey: 'sk-canary-0123456789' },
      },
    },
    env: { OPENAI_BASE_URL: 'http://127.0.0.1:1/v1', RVBBIT_MODEL: 'work/m', TEAM: ' ' },
    config: configOf({
      model: 'other/m',
      providers: {
        work: {
          base_url: 'http://h/v1?key=abc',
          headers: { 'x-a': 'hidden' },
          limits: { input_tpm: 5, models: { 'Qwen/Qwen3': { output_tpm: 7 } } },
          prices: { fastCheap: { input_per_mtok: 1, output_per_mtok: 2 } },
        },
        openrouter: null,
        team: { base_url: 'http://t', api_key_env: 'TEAM' },
      },
    }),
  };
  const { model, providers } = describeConfig(sources);
  assert.equal(model, { key: 'model', value: 'work/m', source: 'environment' });
  const shown = Object.fromEntries(
    providers.map(({ id, settings }) => [
      id,
      Object.fromEntries(
        settings.map(({ key, value, source, isSet }) => [
          key,
          [value, source, ...(isSet === undefined ? [] : [isSet])],
        ]),
      ),
    ]),
  );
  assert.equal(shown, {
    openai: {
      type: ['openai-compatible', 'default'],
      base_url: ['http://127.0.0.1:1/v1', 'environment'],
      response_format: ['none', 'preset'],
    },
    work: {
      type: ['openai-compatible', 'default'],
      base_url: ['http://h/v1?[redacted]', 'file'],
      headers: [{ 'x-a': '[redacted]' }, 'file'],
      limits: [{ input_tpm: 5, models: { 'Qwen/Qwen3': { output_tpm: 7 } } }, 'file'],
      prices: [{ fastCheap: { input_per_mtok: 1, output_per_mtok: 2 } }, 'file'],
      api_key: ['[redacted]', 'options'],
      connections: [3, 'options'],
    },
    openrouter: {
      type: ['openai-compatible', 'default'],
      base_url: ['https://openrouter.ai/api/v1', 'preset'],
      response_format: ['json_schema', 'preset'],
      api_key_env: ['OPENROUTER_API_KEY', 'preset', false],
    },
    team: {
      type: ['openai-compatible', 'default'],
      base_url: ['http://t', 'file'],
      api_key_env: ['TEAM', 'file', false],
    },
    own: {
      type: ['openai-compatible', 'default'],
      base_url: ['http://o', 'options'],
      api_key: ['[redacted]', 'options'],
    },
  });
});

test.run();
