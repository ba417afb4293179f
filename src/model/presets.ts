/** Providers that the environment alone configures. */
import { url } from './config-schema.ts';
import type { ProviderEntry } from './provider-entry.ts';
import { optionError, readValue } from './read-settings.ts';

const OPENAI_URL = 'https://api.openai.com/v1';
const OPENROUTER_URL = 'https://openrouter.ai/api/v1';
const OLLAMA_PORT = '11434';

/** What the variables give: providers that are there, and what is known of those that are only named. */
export interface Presets {
  readonly active: ReadonlyMap<string, ProviderEntry>;
  readonly known: ReadonlyMap<string, ProviderEntry>;
}

/** Reads OPENAI_API_KEY, OPENAI_BASE_URL, OPENROUTER_API_KEY and OLLAMA_HOST. */
export function presetsOf(env: Readonly<Record<string, string | undefined>>): Presets {
  const set = (name: string): string | undefined => env[name]?.trim() || undefined;
  const active = new Map<string, ProviderEntry>();
  const known = new Map<string, ProviderEntry>();

  const openAiUrl = set('OPENAI_BASE_URL');
  const hasOpenAiKey = set('OPENAI_API_KEY') !== undefined;
  const baseUrl = openAiUrl === undefined ? OPENAI_URL : readUrl(openAiUrl, 'OPENAI_BASE_URL');
  const isOpenAi = new URL(baseUrl).host === 'api.openai.com';
  known.set('openai', {
    baseUrl,
    responseFormat: isOpenAi ? 'json_schema' : 'none',
    // A server of one's own often takes no key.
    ...(isOpenAi || hasOpenAiKey ? { apiKeyEnv: 'OPENAI_API_KEY' } : {}),
  });
  known.set('openrouter', {
    baseUrl: OPENROUTER_URL,
    responseFormat: 'json_schema',
    apiKeyEnv: 'OPENROUTER_API_KEY',
  });
  const ollama = set('OLLAMA_HOST');
  known.set('ollama', {
    baseUrl: ollamaUrl(ollama ?? '127.0.0.1'),
    responseFormat: 'json_schema',
  });

  if (hasOpenAiKey || openAiUrl !== undefined) active.set('openai', known.get('openai')!);
  if (set('OPENROUTER_API_KEY') !== undefined) active.set('openrouter', known.get('openrouter')!);
  if (ollama !== undefined) active.set('ollama', known.get('ollama')!);
  return { active, known };
}

/** OLLAMA_HOST as Ollama reads it: `host`, `host:port` or a URL; its listen address means this machine. */
function ollamaUrl(variable: string): string {
  const hasScheme = /^https?:\/\//i.test(variable);
  const text = hasScheme ? variable : `http://${variable}`;
  if (!URL.canParse(text)) {
    throw optionError(
      `OLLAMA_HOST takes host, host:port or a URL, not ${JSON.stringify(variable.slice(0, 80))}`,
    );
  }
  const host = new URL(text);
  if (!hasScheme && host.port === '' && !/:80$/.test(variable)) host.port = OLLAMA_PORT;
  if (host.hostname === '0.0.0.0') host.hostname = '127.0.0.1';
  if (host.hostname === '[::]') host.hostname = '[::1]';
  return readUrl(`${host.href.replace(/\/+$/, '')}/v1`, 'OLLAMA_HOST');
}

function readUrl(value: string, variable: string): string {
  return readValue(url('OPENAI_API_KEY'), value, variable);
}
