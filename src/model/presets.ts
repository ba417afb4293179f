/** Providers that the environment alone configures. */
import { type ProviderEntry, readBaseUrl } from './provider-config.ts';
import { optionError } from './read-value.ts';

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
  const baseUrl = openAiUrl === undefined ? OPENAI_URL : readBaseUrl(openAiUrl, 'OPENAI_BASE_URL');
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
function ollamaUrl(host: string): string {
  const hasScheme = /^https?:\/\//i.test(host);
  const text = hasScheme ? host : `http://${host}`;
  if (!URL.canParse(text)) {
    throw optionError(
      `OLLAMA_HOST takes host, host:port or a URL, not ${JSON.stringify(host.slice(0, 80))}`,
    );
  }
  const url = new URL(text);
  if (!hasScheme && url.port === '' && !/:80$/.test(host)) url.port = OLLAMA_PORT;
  if (url.hostname === '0.0.0.0') url.hostname = '127.0.0.1';
  if (url.hostname === '[::]') url.hostname = '[::1]';
  return readBaseUrl(`${url.href.replace(/\/+$/, '')}/v1`, 'OLLAMA_HOST');
}
