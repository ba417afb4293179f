/** One provider's entry of the configuration or the engine options. */
import type { ProviderLimits } from './call-limits.ts';
import type { HttpSettings, ProviderSettings } from './chat.ts';
import type { ParameterRules } from './parameters.ts';
import type { ModelPrice } from './prices.ts';

/** An entry as it was written, with what it leaves out left out. */
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
  /** Of a recording; as written, so relative to where it was written. */
  readonly file?: string;
  readonly mode?: 'play' | 'record';
  readonly from?: string;
}
