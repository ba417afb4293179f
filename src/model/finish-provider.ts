/** Turns a provider's merged entry into settings for the workers, and limits and prices for the main thread. */
import { assertUnreachable } from '../errors.ts';
import type { ProviderLimits } from './call-limits.ts';
import type { HttpSettings, ProviderSettings } from './chat.ts';
import { line } from './config-schema.ts';
import type { ModelPrice } from './prices.ts';
import type { ProviderEntry } from './provider-entry.ts';
import { optionError, readValue } from './read-settings.ts';

/** A provider that is ready to be called. `settings` goes to the workers, the rest stays on the main thread. */
export interface ConfiguredProvider {
  readonly settings: ProviderSettings;
  readonly limits: ProviderLimits;
  /** Prices by the model's name at the provider. */
  readonly prices: Readonly<Record<string, ModelPrice>>;
  /** The environment variable of the API key or the proxy's key, if it is not set. The provider is then unusable. */
  readonly missingKey?: string;
}

const KEYS_OF_RECORDING: ReadonlySet<string> = new Set(['file', 'mode', 'from']);

type Env = Readonly<Record<string, string | undefined>>;

/** Returns the type of a provider's entry. */
export function typeOf({ type }: ProviderEntry): ProviderSettings['type'] {
  return type ?? 'openai-compatible';
}

/** Checks that the entry is complete, and reads its API keys. `from` is the provider that a recorder asks. */
export function finishProvider(
  id: string,
  entry: ProviderEntry,
  env: Env,
  from: ConfiguredProvider | undefined,
): ConfiguredProvider {
  const type = typeOf(entry);
  const stranger = Object.keys(entry).find(
    (key) =>
      key !== 'type' && (type === 'lexical' || KEYS_OF_RECORDING.has(key) !== (type === 'replay')),
  );
  if (stranger !== undefined) {
    throw optionError(`providers.${id}.${stranger}: a provider of type ${type} has no such key`);
  }
  switch (type) {
    case 'openai-compatible':
    case 'anthropic':
      return finishHttp(id, type, entry, env);
    case 'replay':
      return finishReplay(id, entry, from);
    case 'lexical':
      return { settings: { id, type }, limits: {}, prices: {} };
    default:
      return assertUnreachable(type);
  }
}

function finishReplay(
  id: string,
  { file, mode, from: fromId }: ProviderEntry,
  from: ConfiguredProvider | undefined,
): ConfiguredProvider {
  if (file === undefined) throw optionError(`providers.${id} needs a file, the recording`);
  const settings = { id, type: 'replay', file } as const;
  if (mode !== 'record') return { settings, limits: {}, prices: {} };
  if (fromId === undefined) {
    throw optionError(`providers.${id}: mode record needs from, the id of the provider to ask`);
  }
  if (from === undefined || from.settings.type === 'replay') {
    const what = from === undefined ? 'is not configured' : 'plays a recording itself';
    throw optionError(`providers.${id}.from: the provider ${fromId} ${what}`);
  }
  return { ...from, settings: { ...settings, record: from.settings } };
}

function finishHttp(
  id: string,
  type: HttpSettings['type'],
  entry: ProviderEntry,
  env: Env,
): ConfiguredProvider {
  const { baseUrl, apiKeyEnv, proxy, proxyKeyEnv } = entry;
  if (baseUrl === undefined) throw optionError(`providers.${id} needs a base_url`);
  const apiKey = entry.apiKey ?? keyIn(env, apiKeyEnv);
  const proxyKey = entry.proxyKey ?? keyIn(env, proxyKeyEnv);
  if (proxy === undefined && (entry.proxyKey ?? proxyKeyEnv) !== undefined) {
    throw optionError(`providers.${id} has a key for a proxy, and no proxy`);
  }
  const missing =
    apiKeyEnv !== undefined && apiKey === undefined
      ? apiKeyEnv
      : proxyKeyEnv !== undefined && proxyKey === undefined
        ? proxyKeyEnv
        : undefined;
  const settings: HttpSettings = {
    id,
    type,
    baseUrl,
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(entry.headers === undefined ? {} : { headers: entry.headers }),
    responseFormat: entry.responseFormat ?? (type === 'anthropic' ? 'json_schema' : 'none'),
    ...(entry.stream === true ? { stream: true } : {}),
    ...(entry.streamOptions === false ? { streamOptions: false } : {}),
    ...(entry.idleTimeoutMs === undefined ? {} : { idleTimeoutMs: entry.idleTimeoutMs }),
    ...(entry.parameters === undefined ? {} : { parameters: entry.parameters }),
    connections: entry.connections ?? 0,
    ...(proxy === undefined
      ? {}
      : { proxy: { url: proxy, ...(proxyKey === undefined ? {} : { key: proxyKey }) } }),
    ...(entry.allowPrivate === true ? { allowPrivate: true } : {}),
    ...(entry.batches === true ? { batches: true } : {}),
  };
  return {
    settings,
    limits: entry.limits ?? {},
    prices: entry.prices ?? {},
    ...(missing === undefined ? {} : { missingKey: missing }),
  };
}

function keyIn(env: Env, variable: string | undefined): string | undefined {
  const text = variable === undefined ? undefined : env[variable]?.trim();
  return text ? readValue(line, text, `the key in ${variable}`) : undefined;
}
