/** The type of a provider's entry in the configuration or the engine options. */
import type { ProviderLimits } from './call-limits.ts';
import type { HttpSettings, ProviderSettings } from './chat.ts';
import type { ParameterRules } from './parameters.ts';
import type { ModelPrice } from './prices.ts';

/** An entry as it was written, without defaults. */
export interface ProviderEntry {
  readonly type?: ProviderSettings['type'];
  readonly baseUrl?: string;
  readonly apiKey?: string;
  readonly apiKeyEnv?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly responseFormat?: HttpSettings['responseFormat'];
  readonly stream?: boolean;
  readonly streamOptions?: boolean;
  readonly idleTimeoutMs?: number;
  readonly parameters?: ParameterRules;
  readonly connections?: number;
  readonly limits?: ProviderLimits;
  readonly prices?: Readonly<Record<string, ModelPrice>>;
  readonly proxy?: string;
  readonly proxyKey?: string;
  readonly proxyKeyEnv?: string;
  readonly allowPrivate?: boolean;
  readonly batches?: boolean;
  /** The path of a recording, as it was written; `readSources` makes it absolute. */
  readonly file?: string;
  readonly mode?: 'play' | 'record';
  readonly from?: string;
}
