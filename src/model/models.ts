/** The models of an engine. Their configuration is read when a statement first needs a model. */
import { dirname } from 'node:path';
import type { Cascade } from '../cascade/cascade.ts';
import type { ProviderLimits } from './call-limits.ts';
import {
  FUNCTION_ID,
  type HttpSettings,
  type ModelFunction,
  type ModelTarget,
  type ProviderSettings,
  type StatementModels,
  type Usage,
  withFallbacks,
} from './chat.ts';
import { type ConfigReader, configReader } from './config-file.ts';
import type { ModelConfig, ModelSources } from './configure.ts';
import type { CallCost, listedContext, ModelPrice } from './prices.ts';

/** The engine options that configure models. */
export interface ModelOptions {
  readonly providers?: unknown;
  readonly model?: string | ModelFunction;
  /** The price of calls of the model function. */
  readonly modelPrice?: ModelPrice;
  /** Path of `rvbbit.config.yaml`; paths in it are relative to its folder. */
  readonly configFile?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly logger?: { warn(message: string): void };
}

/** Settings of a statement that override its cascade's: WITH (model = …, temperature = …, …), `-- @ prompt: …`. */
export interface ModelOverride extends Pick<StatementModels, 'parameters' | 'prompt'> {
  readonly model?: string;
}

/** A statement's models: `settings` goes to the workers, the rest stays on the main thread. */
export interface BoundModels {
  readonly settings: StatementModels;
  /** Returns the cost of a call; undefined if the price is unknown. `share`: the part of the price that is charged. */
  costOf(providerId: string, model: string, usage: Usage, share?: number): CallCost | undefined;
  /** Returns the base URL of a provider's server; undefined if the provider has no server. */
  baseUrlOf(providerId: string): string | undefined;
  /** The embedding program's model function, if `model` is one. */
  readonly ask?: ModelFunction;
}

/** Reads the configuration of models once and binds the cells of statements to their models. */
export class Models {
  readonly #options: ModelOptions;
  readonly #readConfig: ConfigReader;
  #config: Promise<ModelConfig> | undefined;
  #configured: ModelConfig | undefined;
  /** Set by the first `bind`. */
  #listedContext: typeof listedContext | undefined;
  #isWarned = false;

  constructor(options: ModelOptions, readConfig: ConfigReader) {
    this.#options = options;
    this.#readConfig = readConfig;
  }

  /** Binds the cells of a cascade to models; undefined if no cell asks a model. Throws RVB_NO_MODEL. */
  async bind(cascade: Cascade, override: ModelOverride): Promise<BoundModels | undefined> {
    const names = modelNames(cascade);
    if (names.size === 0) return undefined;
    // Loaded only when a statement asks a model: most statements do not.
    const { lexicalOr, noModelError, resolveTarget } = await import('./configure.ts');
    const { costAtPrice, costOfCall, listedContext: listed } = await import('./prices.ts');
    this.#listedContext = listed;
    const { modelPrice } = this.#options;
    this.#config ??= this.#configure();
    const config = await this.#config;
    this.#configured = config;
    const { model: named, ...told } = override;
    const targetOf = (name: string): ModelTarget => {
      if (name !== '') {
        const [first, ...others] = name.split(',').map((one) => resolveTarget(config, one));
        return others.length === 0 ? first! : { ...first!, fallbacks: others };
      }
      if (config.defaultTarget !== undefined) return config.defaultTarget;
      throw noModelError(`${cascade.file} asks a model, and none is configured`, 'bind');
    };
    const targets: Record<string, ModelTarget> = Object.create(null);
    for (const name of names) targets[name] = targetOf(named ?? name);
    if (Object.values(targets).flatMap(withFallbacks).some(isByWords)) this.#warn();
    const { model } = this.#options;
    return {
      settings: { targets: { ...targets }, ...told },
      costOf(providerId, modelName, usage, share) {
        if (providerId === FUNCTION_ID && modelPrice !== undefined) {
          return costAtPrice(modelPrice, usage);
        }
        const provider = lexicalOr(config.providers, providerId);
        if (provider === undefined) return undefined;
        return costOfCall(provider.settings, provider.prices, modelName, usage, share);
      },
      baseUrlOf: (providerId) =>
        httpSettingsOf(config.providers.get(providerId)?.settings)?.baseUrl,
      ...(typeof model === 'function' ? { ask: model } : {}),
    };
  }

  /** Returns a function that gives the settings of a provider by its id; undefined if it is no HTTP server. */
  async httpProviders(): Promise<(providerId: string) => HttpSettings | undefined> {
    this.#config ??= this.#configure();
    const { providers } = await this.#config;
    return (providerId) => {
      const settings = providers.get(providerId)?.settings;
      return settings !== undefined && 'baseUrl' in settings ? settings : undefined;
    };
  }

  /** Returns a provider's call limits; undefined before the first `bind` and for an unknown provider. */
  limitsOf(providerId: string): ProviderLimits | undefined {
    return this.#configured?.providers.get(providerId)?.limits;
  }

  /** Returns how many input tokens a call to a model may have at most; undefined if it is unknown. */
  contextOf(providerId: string, model: string): number | undefined {
    const provider = this.#configured?.providers.get(providerId);
    const { models = {}, context } = provider?.limits ?? {};
    const told = (Object.hasOwn(models, model) ? models[model]?.context : undefined) ?? context;
    const server = httpSettingsOf(provider?.settings);
    return told ?? (server && this.#listedContext?.(server, model));
  }

  async #configure(): Promise<ModelConfig> {
    const { configureModels } = await import('./configure.ts');
    return configureModels(await readModelSources(this.#options, this.#readConfig));
  }

  /** Warns once per engine, since a reader of the answers must know that no model gave them. */
  #warn(): void {
    if (this.#isWarned) return;
    this.#isWarned = true;
    this.#options.logger?.warn('answers come from word overlap (lexical), not from a model');
  }
}

/** Returns the sources of an engine's models, with the configuration file already read. */
export async function readModelSources(
  options: ModelOptions,
  readConfig: ConfigReader = configReader(options.configFile),
): Promise<ModelSources> {
  const { providers, model, configFile, env } = options;
  return {
    options: {
      ...(providers === undefined ? {} : { providers }),
      ...(model === undefined ? {} : { model }),
    },
    ...(env === undefined ? {} : { env }),
    ...(configFile === undefined
      ? {}
      : { config: await readConfig(), configFolder: dirname(configFile) }),
  };
}

/** Returns the settings of a provider's server; for a recorder, those of the provider that it records. */
function httpSettingsOf(settings: ProviderSettings | undefined): HttpSettings | undefined {
  const asked = settings?.type === 'replay' ? settings.record : settings;
  return asked !== undefined && 'baseUrl' in asked ? asked : undefined;
}

/** True if the target answers by word overlap, or records answers by word overlap. */
function isByWords(target: ModelTarget): boolean {
  if (target.kind === 'function') return false;
  const { provider } = target;
  const asked = provider.type === 'replay' ? provider.record : provider;
  return asked?.type === 'lexical';
}

/** Returns the model names of all cells that ask a model: the cell's, else its cascade's, else ''. */
export function modelNames(cascade: Cascade): Set<string> {
  const names = new Set<string>();
  for (const cell of cascade.cells) {
    if (cell.kind === 'instructions') names.add(cell.model ?? cascade.model ?? '');
    const evaluator = cell.takes?.evaluator;
    if (evaluator?.kind === 'instructions') names.add(evaluator.model ?? cascade.model ?? '');
  }
  for (const nested of Object.values(cascade.nested)) {
    for (const name of modelNames(nested)) names.add(name);
  }
  return names;
}
