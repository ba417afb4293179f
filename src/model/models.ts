/** The models of an engine: read from their sources when a statement first needs one, then bound to its cells. */
import { dirname } from 'node:path';
import type { Cascade } from '../cascade/cascade.ts';
import type { ProviderLimits } from './call-limits.ts';
import {
  FUNCTION_ID,
  type ModelFunction,
  type ModelTarget,
  type ProviderSettings,
  type StatementModels,
  type Usage,
  withFallbacks,
} from './chat.ts';
import { type ConfigReader, configReader } from './config-file.ts';
import type { ModelConfig, ModelSources } from './configure.ts';
import type { CallCost, ModelPrice } from './prices.ts';

export interface ModelOptions {
  readonly providers?: unknown;
  readonly model?: string | ModelFunction;
  /** Of the model function. */
  readonly modelPrice?: ModelPrice;
  /** Path of `rvbbit.config.yaml`; paths in it are relative to its folder. */
  readonly configFile?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly logger?: { warn(message: string): void };
}

/** What a statement sets over its cascade: WITH (model = …, temperature = …, …), `-- @ prompt: …`. */
export interface ModelOverride extends Pick<StatementModels, 'parameters' | 'prompt'> {
  readonly model?: string;
}

/** A statement's models: what its workers need, and what the main thread keeps. */
export interface BoundModels {
  readonly settings: StatementModels;
  /** Undefined where the price is not known. */
  costOf(providerId: string, model: string, usage: Usage): CallCost | undefined;
  /** The address of a provider's server; undefined where it has none. */
  baseUrlOf(providerId: string): string | undefined;
  /** The embedding program's function, if a target is one. */
  readonly ask?: ModelFunction;
}

export class Models {
  readonly #options: ModelOptions;
  readonly #readConfig: ConfigReader;
  #config: Promise<ModelConfig> | undefined;
  #configured: ModelConfig | undefined;
  #isWarned = false;

  constructor(options: ModelOptions, readConfig: ConfigReader) {
    this.#options = options;
    this.#readConfig = readConfig;
  }

  /** Binds the cells of a cascade; nothing where no cell asks a model. Throws RVB_NO_MODEL. */
  async bind(cascade: Cascade, override: ModelOverride): Promise<BoundModels | undefined> {
    const names = modelNames(cascade);
    if (names.size === 0) return undefined;
    // Loaded with the first model call: most statements ask none.
    const { lexicalOr, noModelError, resolveTarget } = await import('./configure.ts');
    const { costAtPrice, costOfCall } = await import('./prices.ts');
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
      costOf(providerId, modelName, usage) {
        if (providerId === FUNCTION_ID && modelPrice !== undefined) {
          return costAtPrice(modelPrice, usage);
        }
        const provider = lexicalOr(config.providers, providerId);
        if (provider === undefined) return undefined;
        return costOfCall(provider.settings, provider.prices, modelName, usage);
      },
      baseUrlOf: (providerId) => serverOf(config.providers.get(providerId)?.settings),
      ...(typeof model === 'function' ? { ask: model } : {}),
    };
  }

  /** What a provider may be asked at most; it is bound before it is asked. */
  limitsOf(providerId: string): ProviderLimits | undefined {
    return this.#configured?.providers.get(providerId)?.limits;
  }

  async #configure(): Promise<ModelConfig> {
    const { configureModels } = await import('./configure.ts');
    return configureModels(await readModelSources(this.#options, this.#readConfig));
  }

  /** Once an engine: whoever reads the answers must know what they are. */
  #warn(): void {
    if (this.#isWarned) return;
    this.#isWarned = true;
    this.#options.logger?.warn('answers come from word overlap (lexical), not from a model');
  }
}

/** The sources of an engine's models, its configuration file read. */
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

/** What a recording asks is behind it. */
function serverOf(settings: ProviderSettings | undefined): string | undefined {
  const asked = settings?.type === 'replay' ? settings.record : settings;
  return asked !== undefined && 'baseUrl' in asked ? asked.baseUrl : undefined;
}

/** True where word overlap answers, or is recorded. */
function isByWords(target: ModelTarget): boolean {
  if (target.kind === 'function') return false;
  const { provider } = target;
  const asked = provider.type === 'replay' ? provider.record : provider;
  return asked?.type === 'lexical';
}

/** What the cells that ask a model name, their cascade's model where they name none; '' for neither. */
function modelNames(cascade: Cascade): Set<string> {
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
