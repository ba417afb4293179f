/** Providers and the default model, from engine options, environment and configuration file. Pure. */
import type { RvbbitError } from '../errors.ts';
import type { ModelTarget, ProviderSettings } from './chat.ts';
import { noModelError } from './no-model.ts';
import { presetsOf } from './presets.ts';
import type { ModelPrice } from './prices.ts';
import {
  type ProviderEntry,
  type ProviderLimits,
  readProviderEntry,
  type Spelling,
} from './provider-config.ts';
import { optionError, readMapping, readText } from './read-value.ts';

export { noModelError } from './no-model.ts';

/** Where settings come from. Each counts above those after it. */
export interface ModelSources {
  /** `providers` and `model` of `Engine.open`. */
  readonly options?: { readonly providers?: unknown; readonly model?: unknown };
  /** Environment variables, as a record; the function reads no environment itself. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The parsed configuration file; of its keys only `providers` and `model` are read. */
  readonly config?: unknown;
}

/** A provider ready to be called, with what the main thread keeps of it. */
export interface ConfiguredProvider {
  readonly settings: ProviderSettings;
  readonly limits: ProviderLimits;
  /** By the model's name at the provider. */
  readonly prices: Readonly<Record<string, ModelPrice>>;
  /** The variable that should hold the key and does not. Using the provider is an error. */
  readonly missingKey?: string;
}

export interface ModelConfig {
  readonly providers: ReadonlyMap<string, ConfiguredProvider>;
  /** Where a cell's call goes that names no model; undefined: nowhere. */
  readonly defaultTarget?: ModelTarget;
  /** `model` is the embedding program's function: it takes every name that is no provider's. */
  readonly hasFunction: boolean;
}

const ID = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/;

/**
 * Reads the sources. Throws RVB_OPTION_TYPE, RVB_UNKNOWN_OPTION or RVB_UNSUPPORTED with the path of the
 * key, and RVB_NO_MODEL where the default model names a provider that is not there.
 */
export function configureModels(sources: ModelSources): ModelConfig {
  const { options = {}, env = {} } = sources;
  const config =
    sources.config === undefined || sources.config === null
      ? {}
      : readMapping(sources.config, 'the configuration');
  const presets = presetsOf(env);
  const entries = new Map<string, ProviderEntry>();
  const fromFile = readEntries(config['providers'], 'file');
  const fromApi = readEntries(options.providers, 'api');
  for (const id of new Set([...presets.active.keys(), ...fromFile.keys(), ...fromApi.keys()])) {
    const preset = presets.active.get(id) ?? presets.known.get(id) ?? {};
    entries.set(id, merge(merge(preset, fromFile.get(id)), fromApi.get(id)));
  }
  const providers = new Map(
    [...entries].map(([id, entry]) => [id, finish(id, entry, env)] as const),
  );
  const model = options.model;
  const base: ModelConfig = { providers, hasFunction: typeof model === 'function' };
  if (typeof model === 'function') {
    return { ...base, defaultTarget: { kind: 'function', model: model.name || 'function' } };
  }
  const named =
    model !== undefined
      ? readText(model, 'model')
      : env['RVBBIT_MODEL']?.trim() ||
        (config['model'] == null ? undefined : readText(config['model'], 'model'));
  return named === undefined ? base : { ...base, defaultTarget: resolveTarget(base, named) };
}

/**
 * Where a model is asked: `<provider id>/<name>`, split at the first slash; a bare name goes to the only
 * provider there is. Throws RVB_NO_MODEL with the ids that there are.
 */
export function resolveTarget(config: ModelConfig, modelText: string): ModelTarget {
  const text = readText(modelText, 'model');
  const slash = text.indexOf('/');
  const id = slash === -1 ? '' : text.slice(0, slash);
  const name = text.slice(slash + 1);
  const found = config.providers.get(id);
  if (found !== undefined) {
    if (name === '') throw optionError(`model ${text} names a provider and no model`);
    return targetOf(found, name);
  }
  if (config.hasFunction) return { kind: 'function', model: text };
  const ids = [...config.providers.keys()];
  if (ids.length === 0) throw noModelError(`the model ${text} has no provider`, 'open');
  const [only] = config.providers.values();
  if (slash === -1 && ids.length === 1) return targetOf(only!, text);
  const example = `write ${ids[0]}/${text} for a model of ${ids[0]}`;
  const what =
    slash === -1
      ? `the model ${text} does not say which provider it is of`
      : `the model ${text} is of a provider ${id}, which is not configured`;
  throw noModelError(
    `${what}: there ${ids.length === 1 ? 'is' : 'are'} ${ids.join(', ')}; ${example}`,
    'open',
  );
}

function targetOf({ settings, missingKey }: ConfiguredProvider, model: string): ModelTarget {
  if (missingKey === undefined) return { kind: 'provider', provider: settings, model };
  throw missingKeyError(settings.id, missingKey);
}

function missingKeyError(id: string, variable: string): RvbbitError {
  return noModelError(`provider ${id} needs a key in ${variable}, which is not set`, 'open');
}

function readEntries(value: unknown, spelling: Spelling): ReadonlyMap<string, ProviderEntry> {
  const entries = new Map<string, ProviderEntry>();
  if (value === undefined || value === null) return entries;
  for (const [id, entry] of Object.entries(readMapping(value, 'providers'))) {
    if (!ID.test(id)) {
      throw optionError(
        `providers: an id has letters, digits, ., - and _, not ${JSON.stringify(id.slice(0, 80))}`,
      );
    }
    entries.set(id, readProviderEntry(entry ?? {}, `providers.${id}`, spelling));
  }
  return entries;
}

/** Key by key. An entry with a base URL of its own does not inherit a key: that was for another server. */
function merge(below: ProviderEntry, above: ProviderEntry | undefined): ProviderEntry {
  if (above === undefined) return below;
  const { apiKey, apiKeyEnv, responseFormat, ...rest } = below;
  const isElsewhere = above.baseUrl !== undefined && above.baseUrl !== below.baseUrl;
  const namesKey = above.apiKey !== undefined || above.apiKeyEnv !== undefined;
  return {
    ...rest,
    ...(isElsewhere || responseFormat === undefined ? {} : { responseFormat }),
    ...(isElsewhere || namesKey || apiKey === undefined ? {} : { apiKey }),
    ...(isElsewhere || namesKey || apiKeyEnv === undefined ? {} : { apiKeyEnv }),
    ...above,
  };
}

function finish(
  id: string,
  entry: ProviderEntry,
  env: Readonly<Record<string, string | undefined>>,
): ConfiguredProvider {
  const { baseUrl, apiKeyEnv } = entry;
  if (baseUrl === undefined) throw optionError(`providers.${id} needs a base_url`);
  const fromEnv = apiKeyEnv === undefined ? undefined : env[apiKeyEnv]?.trim();
  const apiKey =
    entry.apiKey ?? (fromEnv ? readText(fromEnv, `the key in ${apiKeyEnv}`, true) : undefined);
  const isMissing = apiKeyEnv !== undefined && apiKey === undefined;
  return {
    settings: {
      id,
      type: 'openai-compatible',
      baseUrl,
      ...(apiKey === undefined ? {} : { apiKey }),
      ...(entry.headers === undefined ? {} : { headers: entry.headers }),
      responseFormat: entry.responseFormat ?? 'none',
      connections: entry.connections ?? 0,
    },
    limits: entry.limits ?? {},
    prices: entry.prices ?? {},
    ...(isMissing ? { missingKey: apiKeyEnv } : {}),
  };
}
