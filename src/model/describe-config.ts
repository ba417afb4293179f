/** Describes the effective configuration of models: each setting with its source, and without secrets. */
import type { Json, JsonObject } from '../util/json.ts';
import { type EntryLayers, finishProviders, type ModelSources, readSources } from './configure.ts';
import { typeOf } from './finish-provider.ts';
import type { ProviderEntry } from './provider-entry.ts';

/** The source that a setting's effective value comes from. */
export type SettingSource = 'options' | 'environment' | 'file' | 'preset' | 'default';

/** One setting. */
export interface DescribedSetting {
  /** In the file's spelling: `base_url`. */
  readonly key: string;
  readonly value: Json;
  readonly source: SettingSource;
  /** Only for settings that name an environment variable: true if the variable is set. */
  readonly isSet?: boolean;
}

/** The default model and the providers with their settings. */
export interface DescribedConfig {
  readonly model?: DescribedSetting;
  /** The cascade roots of the file. */
  readonly cascades?: DescribedSetting;
  readonly providers: readonly {
    readonly id: string;
    readonly settings: readonly DescribedSetting[];
  }[];
}

/** The environment variables that set the base URL of built-in providers. */
const URL_VARIABLES: Readonly<Record<string, string>> = {
  openai: 'OPENAI_BASE_URL',
  ollama: 'OLLAMA_HOST',
  lmstudio: 'LMSTUDIO_HOST',
  anthropic: 'ANTHROPIC_BASE_URL',
  azure: 'AZURE_OPENAI_ENDPOINT',
};
const REDACTED = '[redacted]';

/** Reads the sources as an engine does. Throws if a setting is wrong, but not if an API key is missing. */
export function describeConfig(sources: ModelSources): DescribedConfig {
  const { entries, model } = readSources(sources);
  finishProviders(entries, sources.env ?? {});
  const cascades = sources.config?.cascades ?? undefined;
  return {
    ...(model === undefined
      ? {}
      : { model: { key: 'model', value: model.name, source: model.source } }),
    ...(cascades === undefined
      ? {}
      : { cascades: { key: 'cascades', value: cascades, source: 'file' } }),
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

/** Returns a setting's value for display. Hides keys, header values and a URL's query, since they may be secrets. */
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
    case 'limits': {
      const { models, ...own } = jsonOf(value) as JsonObject;
      const ofModels = models === undefined ? {} : { models: snakeCase(models, 1) };
      return { ...(snakeCase(own, 0) as JsonObject), ...ofModels };
    }
    case 'prices':
      return snakeCase(jsonOf(value), 1);
    default:
      return jsonOf(value);
  }
}

function jsonOf(value: unknown): Json {
  return value === undefined ? null : (JSON.parse(JSON.stringify(value)) as Json);
}

/** Returns `value` with snake_case keys. Keys of the outer `ownLevels` levels are models' names and stay unchanged. */
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
