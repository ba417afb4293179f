/** The configuration of models as it counts, each setting with where it comes from, and no secret. */
import type { Json } from '../util/json.ts';
import { type EntryLayers, finishProviders, type ModelSources, readSources } from './configure.ts';
import { typeOf } from './finish-provider.ts';
import type { ProviderEntry } from './provider-entry.ts';

/** Where a setting comes from; of several the one that counts. */
export type SettingSource = 'options' | 'environment' | 'file' | 'preset' | 'default';

/** One setting. */
export interface DescribedSetting {
  /** As a file spells it: `base_url`. */
  readonly key: string;
  readonly value: Json;
  readonly source: SettingSource;
  /** Of a variable that names a secret: whether it has one. */
  readonly isSet?: boolean;
}

export interface DescribedConfig {
  readonly model?: DescribedSetting;
  readonly providers: readonly {
    readonly id: string;
    readonly settings: readonly DescribedSetting[];
  }[];
}

/** Variables that set the base URL of a provider that is known without being configured. */
const URL_VARIABLES: Readonly<Record<string, string>> = {
  openai: 'OPENAI_BASE_URL',
  ollama: 'OLLAMA_HOST',
  lmstudio: 'LMSTUDIO_HOST',
  anthropic: 'ANTHROPIC_BASE_URL',
  azure: 'AZURE_OPENAI_ENDPOINT',
};
const REDACTED = '[redacted]';

/** Reads the sources as an engine does; throws where one is wrong, but not where a key is missing. */
export function describeConfig(sources: ModelSources): DescribedConfig {
  const { entries, model } = readSources(sources);
  finishProviders(entries, sources.env ?? {});
  return {
    ...(model === undefined
      ? {}
      : { model: { key: 'model', value: model.name, source: model.source } }),
    providers: [...entries].map(([id, layers]) => ({
      id,
      settings: settingsOf(id, layers, sources),
    })),
  };
}

function settingsOf(
  id: string,
  layers: EntryLayers,
  { env = {} }: ModelSources,
): DescribedSetting[] {
  const merged = { ...layers.merged, type: typeOf(layers.merged) };
  const keys = Object.keys(merged).filter((key) => key !== 'type') as (keyof ProviderEntry)[];
  return (['type', ...keys] as const).map((key) => {
    const variable = key.endsWith('Env') ? merged[key] : undefined;
    return {
      key: key.replace(/Ms$/, '').replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value: shown(key, merged[key]),
      source: sourceOf(layers, key, Boolean(env[URL_VARIABLES[id] ?? '']?.trim())),
      ...(typeof variable === 'string' ? { isSet: Boolean(env[variable]?.trim()) } : {}),
    };
  });
}

function sourceOf(
  { options, file, preset }: EntryLayers,
  key: keyof ProviderEntry,
  hasUrlVariable: boolean,
): SettingSource {
  if (options?.[key] !== undefined) return 'options';
  if (file?.[key] !== undefined) return 'file';
  if (preset?.[key] === undefined) return 'default';
  return key === 'baseUrl' && hasUrlVariable ? 'environment' : 'preset';
}

/** A header's value, and what follows a URL's `?`, may be secret without looking so. */
function shown(key: keyof ProviderEntry, value: ProviderEntry[keyof ProviderEntry]): Json {
  switch (key) {
    case 'apiKey':
    case 'proxyKey':
      return REDACTED;
    case 'headers':
      return Object.fromEntries(Object.keys(value ?? {}).map((name) => [name, REDACTED]));
    case 'baseUrl':
      return String(value).replace(/\?.*$/, `?${REDACTED}`);
    case 'idleTimeoutMs':
      return `${String(value)}ms`;
    case 'limits':
    case 'prices':
      return snakeCase(JSON.parse(JSON.stringify(value)) as Json, key === 'prices' ? 1 : 0);
    default:
      return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
        ? value
        : null;
  }
}

/** Keys as a file spells them, below those that are a person's own names. */
function snakeCase(value: Json, ownLevels: number): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      const spelt =
        ownLevels > 0 ? key : key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      return [spelt, snakeCase(item, ownLevels - 1)];
    }),
  );
}
