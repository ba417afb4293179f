/** Providers that environment variables alone configure, with the capabilities of their services. */
import { url } from './config-schema.ts';
import type { ProviderEntry } from './provider-entry.ts';
import { optionError, readValue } from './read-settings.ts';

/** `active`: built-in providers whose variables are set. `known`: all built-in providers with a known URL. */
export interface Presets {
  readonly active: ReadonlyMap<string, ProviderEntry>;
  readonly known: ReadonlyMap<string, ProviderEntry>;
}

type Env = (name: string) => string | undefined;

/** Services with an API key and a fixed address. */
const SERVICES: Readonly<Record<string, ProviderEntry & { readonly apiKeyEnv: string }>> = {
  openrouter: {
    baseUrl: 'https://openrouter.ai/api/v1',
    responseFormat: 'json_schema',
    apiKeyEnv: 'OPENROUTER_API_KEY',
  },
  // Errors are wrapped in a list and hold the time to retry. Only `total_tokens` counts thoughts.
  // https://ai.google.dev/gemini-api/docs/openai
  gemini: {
    baseUrl: 'https://generativelanguage.googleapis.com/v1beta/openai',
    responseFormat: 'json_schema',
    apiKeyEnv: 'GEMINI_API_KEY',
  },
  // Refuses unknown parameters, including stream_options. Thoughts come as parts of the content.
  // https://docs.mistral.ai/api/
  mistral: {
    baseUrl: 'https://api.mistral.ai/v1',
    responseFormat: 'json_schema',
    streamOptions: false,
    parameters: { rename: { seed: 'random_seed' } },
    apiKeyEnv: 'MISTRAL_API_KEY',
  },
  // Only some models take a schema, and none takes a schema with a stream. Invalid JSON then gives status 400.
  // https://console.groq.com/docs/structured-outputs
  groq: {
    baseUrl: 'https://api.groq.com/openai/v1',
    responseFormat: 'none',
    apiKeyEnv: 'GROQ_API_KEY',
  },
  // Takes no schema. Has its own names for cached tokens. Sends blank lines while calls wait.
  // https://api-docs.deepseek.com/guides/json_mode
  deepseek: {
    baseUrl: 'https://api.deepseek.com/v1',
    responseFormat: 'json_object',
    apiKeyEnv: 'DEEPSEEK_API_KEY',
  },
};

/**
 * Reads ANTHROPIC_API_KEY, ANTHROPIC_BASE_URL, AZURE_OPENAI_API_KEY, AZURE_OPENAI_ENDPOINT, DEEPSEEK_API_KEY,
 * GEMINI_API_KEY, GROQ_API_KEY, LMSTUDIO_HOST, MISTRAL_API_KEY, OLLAMA_HOST, OPENAI_API_KEY, OPENAI_BASE_URL and
 * OPENROUTER_API_KEY.
 */
export function presetsOf(env: Readonly<Record<string, string | undefined>>): Presets {
  const set: Env = (name) => env[name]?.trim() || undefined;
  const active = new Map<string, ProviderEntry>();
  const known = new Map<string, ProviderEntry>();
  const add = (id: string, entry: ProviderEntry, ...variables: readonly string[]): void => {
    known.set(id, entry);
    if (variables.some((name) => set(name) !== undefined)) active.set(id, entry);
  };
  add('openai', openAi(set), 'OPENAI_API_KEY', 'OPENAI_BASE_URL');
  add('anthropic', anthropic(set), 'ANTHROPIC_API_KEY', 'ANTHROPIC_BASE_URL');
  for (const [id, entry] of Object.entries(SERVICES)) add(id, entry, entry.apiKeyEnv);
  const azureUrl = set('AZURE_OPENAI_ENDPOINT');
  if (azureUrl !== undefined) add('azure', azure(azureUrl), 'AZURE_OPENAI_ENDPOINT');
  const local = { responseFormat: 'json_schema' } as const;
  const ollama = hostUrl(set('OLLAMA_HOST') ?? '127.0.0.1', 'OLLAMA_HOST', OLLAMA_PORT);
  add('ollama', { ...local, baseUrl: ollama }, 'OLLAMA_HOST');
  // Refuses json_object. https://lmstudio.ai/docs/developer/openai-compat/structured-output
  const lmStudio = hostUrl(set('LMSTUDIO_HOST') ?? '127.0.0.1', 'LMSTUDIO_HOST', LMSTUDIO_PORT);
  add('lmstudio', { ...local, baseUrl: lmStudio }, 'LMSTUDIO_HOST');
  return { active, known };
}

const OLLAMA_PORT = '11434';
const LMSTUDIO_PORT = '1234';

function openAi(set: Env): ProviderEntry {
  const given = set('OPENAI_BASE_URL');
  const baseUrl =
    given === undefined ? 'https://api.openai.com/v1' : readUrl(given, 'OPENAI_BASE_URL');
  const isOpenAi = new URL(baseUrl).host === 'api.openai.com';
  return {
    baseUrl,
    responseFormat: isOpenAi ? 'json_schema' : 'none',
    ...(isOpenAi ? { batches: true } : {}),
    // A self-hosted server often needs no key.
    ...(isOpenAi || set('OPENAI_API_KEY') !== undefined ? { apiKeyEnv: 'OPENAI_API_KEY' } : {}),
  };
}

/** Reads ANTHROPIC_BASE_URL as Anthropic's own clients do: the URL has no version. */
function anthropic(set: Env): ProviderEntry {
  const given = set('ANTHROPIC_BASE_URL') ?? 'https://api.anthropic.com';
  const root = readUrl(given, 'ANTHROPIC_BASE_URL').replace(/\/v1$/, '');
  const isAnthropic = new URL(root).host === 'api.anthropic.com';
  return {
    type: 'anthropic',
    baseUrl: `${root}/v1`,
    ...(isAnthropic ? { batches: true } : {}),
    ...(isAnthropic || set('ANTHROPIC_API_KEY') !== undefined
      ? { apiKeyEnv: 'ANTHROPIC_API_KEY' }
      : {}),
  };
}

/**
 * Returns the entry for the v1 API of an Azure resource. The v1 API needs no api-version, and takes the key as a
 * bearer token. A model's name is the name of a deployment.
 * https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle
 */
function azure(endpoint: string): ProviderEntry {
  const root = readUrl(endpoint, 'AZURE_OPENAI_ENDPOINT').replace(/\/openai(?:\/v1)?$/, '');
  return {
    baseUrl: `${root}/openai/v1`,
    responseFormat: 'json_schema',
    apiKeyEnv: 'AZURE_OPENAI_API_KEY',
  };
}

/** Reads `host`, `host:port` or a URL, as Ollama reads OLLAMA_HOST. 0.0.0.0 and [::] mean this machine. */
function hostUrl(variable: string, name: string, port: string): string {
  const hasScheme = /^https?:\/\//i.test(variable);
  const text = hasScheme ? variable : `http://${variable}`;
  if (!URL.canParse(text)) {
    throw optionError(
      `${name} takes host, host:port or a URL, not ${JSON.stringify(variable.slice(0, 80))}`,
    );
  }
  const host = new URL(text);
  if (!hasScheme && host.port === '' && !/:80$/.test(variable)) host.port = port;
  if (host.hostname === '0.0.0.0') host.hostname = '127.0.0.1';
  if (host.hostname === '[::]') host.hostname = '[::1]';
  return readUrl(`${host.href.replace(/\/+$/, '')}/v1`, name);
}

function readUrl(value: string, variable: string): string {
  return readValue(url('OPENAI_API_KEY'), value, variable);
}
