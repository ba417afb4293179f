/** Derives providers and the default model from engine options, environment and configuration file. Pure. */
import { resolve } from 'node:path';
import type { ModelTarget } from './chat.ts';
import { apiProviders, type ConfigFile, line } from './config-schema.ts';
import { type ConfiguredProvider, finishProvider } from './finish-provider.ts';
import { mergeEntry } from './merge-entry.ts';
import { noModelError } from './no-model.ts';
import { presetsOf } from './presets.ts';
import type { ProviderEntry } from './provider-entry.ts';
import { optionError, readValue } from './read-settings.ts';

export type { ConfiguredProvider } from './finish-provider.ts';
export { noModelError } from './no-model.ts';

/**
 * Where settings come from. Options override the file, and the file overrides environment variables. RVBBIT_MODEL
 * is the only variable that overrides the file.
 */
export interface ModelSources {
  /** `providers` and `model` of `Engine.open`. */
  readonly options?: { readonly providers?: unknown; readonly model?: unknown };
  /** The configuration file's value. Only its keys `providers` and `model` are read. */
  readonly config?: ConfigFile | undefined;
  /** The configuration file's folder; paths in the file are relative to it. Default: the working folder. */
  readonly configFolder?: string;
  /** Environment variables. `process.env` is never read here. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** The providers that are ready to be called, and the default model. */
export interface ModelConfig {
  readonly providers: ReadonlyMap<string, ConfiguredProvider>;
  /** The target of cells that name no model; if undefined, such a cell is an error. */
  readonly defaultTarget?: ModelTarget;
  /** True if `model` is the embedding program's function. It gets every model name without a known provider. */
  readonly hasFunction: boolean;
}

/** The model name in receipts of word overlap, whatever the provider's id is. */
const LEXICAL_MODEL = 'lexical';
/** The built-in provider of word overlap. It needs no configuration and is asked only if it is named. */
const LEXICAL: ConfiguredProvider = {
  settings: { id: 'lexical', type: 'lexical' },
  limits: {},
  prices: {},
};

/**
 * Reads the sources. Throws RVB_OPTION_TYPE, RVB_UNKNOWN_OPTION or RVB_UNSUPPORTED with the path of the
 * key, and RVB_NO_MODEL if the default model cannot be resolved to a provider.
 */
export function configureModels(sources: ModelSources): ModelConfig {
  const { entries, model } = readSources(sources);
  const providers = finishProviders(entries, sources.env ?? {});
  const given = sources.options?.model;
  const base: ModelConfig = { providers, hasFunction: typeof given === 'function' };
  if (typeof given === 'function') {
    return { ...base, defaultTarget: { kind: 'function', model: given.name || 'function' } };
  }
  return model === undefined ? base : { ...base, defaultTarget: resolveTarget(base, model.name) };
}

/** Turns the entries into providers. Throws RVB_OPTION_TYPE if an entry is incomplete. */
export function finishProviders(
  entries: ReadSources['entries'],
  env: NonNullable<ModelSources['env']>,
): ModelConfig['providers'] {
  const providers = new Map<string, ConfiguredProvider>();
  const finish = (id: string, entry: ProviderEntry): void => {
    const from = entry.from === undefined ? undefined : lexicalOr(providers, entry.from);
    providers.set(id, finishProvider(id, entry, env, from));
  };
  const isReplay = ({ merged }: EntryLayers): boolean => merged.type === 'replay';
  // Recorders come last, since each refers to another provider.
  for (const [id, layers] of entries) if (!isReplay(layers)) finish(id, layers.merged);
  for (const [id, layers] of entries) if (isReplay(layers)) finish(id, layers.merged);
  return providers;
}

/** One provider's entry: as each source wrote it, and merged. */
export interface EntryLayers {
  /** Built-in settings and settings from environment variables. */
  readonly preset?: ProviderEntry;
  readonly file?: ProviderEntry;
  readonly options?: ProviderEntry;
  readonly merged: ProviderEntry;
}

/** The sources after reading and validation, before they become providers. */
export interface ReadSources {
  readonly entries: ReadonlyMap<string, EntryLayers>;
  readonly model?: { readonly name: string; readonly source: 'options' | 'environment' | 'file' };
}

/** Reads the sources and merges them key by key. Throws the same errors as `configureModels`. */
export function readSources(sources: ModelSources): ReadSources {
  const { options = {}, env = {}, config } = sources;
  const presets = presetsOf(env);
  const fromFile = entriesOf(config?.providers, sources.configFolder ?? '.');
  const fromApi = entriesOf(readValue(apiProviders, options.providers, 'providers'), '.');
  const entries = new Map<string, EntryLayers>();
  for (const id of new Set([...presets.active.keys(), ...fromFile.keys(), ...fromApi.keys()])) {
    const preset = presets.active.get(id) ?? presets.known.get(id);
    const [file, api] = [fromFile.get(id), fromApi.get(id)];
    entries.set(id, {
      ...(preset === undefined ? {} : { preset }),
      ...(file === undefined ? {} : { file }),
      ...(api === undefined ? {} : { options: api }),
      merged: mergeEntry(mergeEntry(preset ?? {}, file), api),
    });
  }
  const ofEnv = env['RVBBIT_MODEL']?.trim();
  if (typeof options.model === 'function') return { entries };
  if (options.model !== undefined) {
    return { entries, model: { name: readValue(line, options.model, 'model'), source: 'options' } };
  }
  if (ofEnv) return { entries, model: { name: ofEnv, source: 'environment' } };
  const name = config?.model ?? undefined;
  return name === undefined ? { entries } : { entries, model: { name, source: 'file' } };
}

/**
 * Resolves a model's name to its target. The name is `<provider id>/<model>`, split at the first slash. A name
 * without a slash goes to the only configured provider. Throws RVB_NO_MODEL, which lists the provider ids.
 */
export function resolveTarget(config: ModelConfig, modelText: string): ModelTarget {
  const text = readValue(line, modelText, 'model');
  const slash = text.indexOf('/');
  const id = slash === -1 ? '' : text.slice(0, slash);
  const name = text.slice(slash + 1);
  const overlap = lexicalOr(config.providers, text);
  if (overlap?.settings.type === 'lexical') return targetOf(overlap, LEXICAL_MODEL);
  const found = lexicalOr(config.providers, id);
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

/** Returns a provider by its id. The id `lexical` is always known. */
export function lexicalOr(
  providers: ModelConfig['providers'],
  id: string,
): ConfiguredProvider | undefined {
  return providers.get(id) ?? (id === LEXICAL.settings.id ? LEXICAL : undefined);
}

function targetOf({ settings, missingKey }: ConfiguredProvider, model: string): ModelTarget {
  const { id } = settings;
  if (missingKey !== undefined) {
    throw noModelError(`provider ${id} needs a key in ${missingKey}, which is not set`, 'open');
  }
  if (settings.type !== 'lexical') return { kind: 'provider', provider: settings, model };
  if (model !== 'overlap' && model !== LEXICAL_MODEL) {
    throw noModelError(
      `${id}/${model} is no model: ${id} answers by word overlap; write ${id}/overlap if that is meant`,
      'open',
    );
  }
  return { kind: 'provider', provider: settings, model: LEXICAL_MODEL };
}

/** Returns the entries of one source. Resolves the paths of recordings against `folder`. */
function entriesOf(
  providers: ConfigFile['providers'],
  folder: string,
): ReadonlyMap<string, ProviderEntry> {
  return new Map(
    Object.entries(providers ?? {}).map(([id, entry]) => [
      id,
      entry?.file === undefined ? (entry ?? {}) : { ...entry, file: resolve(folder, entry.file) },
    ]),
  );
}
