/** What a call cost: by the operator's own prices, else by a table of public ones. Main thread only. */
import { createRequire } from 'node:module';
import type * as GenaiPrices from '@pydantic/genai-prices';
import { assertUnreachable } from '../errors.ts';
import type { HttpSettings, ProviderSettings, Usage } from './chat.ts';

/** US dollars per million tokens. */
export interface ModelPrice {
  readonly inputPerMtok: number;
  readonly outputPerMtok: number;
  /** Of input that came from the provider's cache; absent: as other input. */
  readonly cachedInputPerMtok?: number;
  /** Of input that was put into the provider's cache; absent: as other input. */
  readonly cacheWritePerMtok?: number;
}

/** What a call cost, in whole micro-dollars. */
export interface CallCost {
  readonly costMicroUsd: number;
  /** By the list price of a model of this name: its server is not known to sell it. */
  readonly isAssumed?: true;
}

/** Far below a micro-dollar: what binary fractions add to an exact product. */
const ROUNDING_SLACK = 1e-6;
const MICRO = 1e6;

/** The price table's name of the service at a host. A server of one's own has no public price. */
const PRICED_HOSTS: Readonly<Record<string, string>> = {
  'api.openai.com': 'openai',
  'openrouter.ai': 'openrouter',
  'api.anthropic.com': 'anthropic',
  'generativelanguage.googleapis.com': 'google',
  'api.groq.com': 'groq',
  'api.mistral.ai': 'mistral',
  'api.deepseek.com': 'deepseek',
  'api.together.xyz': 'together',
  'api.fireworks.ai': 'fireworks',
  'api.x.ai': 'x-ai',
  'api.cerebras.ai': 'cerebras',
};

/** Models that their makers alone sell, by the price table's name of these: a server that has one passes its calls on. */
const MAKERS: readonly (readonly [RegExp, string])[] = [
  [/^(?:gpt-(?!oss)|chatgpt-|o\d)/, 'openai'],
  [/^claude-/, 'anthropic'],
  [/^gemini-/, 'google'],
];

/**
 * The cost of a call in whole micro-dollars, rounded up, so that a sum never understates and a paid call
 * never costs 0. Reasoning tokens are part of the output. Undefined: the price is not known (uncosted).
 */
export function priceOf(
  provider: Pick<HttpSettings, 'baseUrl'>,
  model: string,
  usage: Usage,
  configured?: ModelPrice,
): CallCost | undefined {
  if (configured !== undefined) return cost(costAt(configured, usage));
  const host = hostOf(provider);
  if (Object.hasOwn(PRICED_HOSTS, host)) return listed(PRICED_HOSTS[host]!, model, usage);
  // Gateways name the maker too, e.g. `openai/gpt-4o-mini`.
  const name = model.slice(model.lastIndexOf('/') + 1);
  const maker = MAKERS.find(([models]) => models.test(name))?.[1];
  const assumed = maker === undefined ? undefined : listed(maker, name, usage);
  return assumed === undefined ? undefined : { ...assumed, isAssumed: true };
}

/** By the table of public prices. */
function listed(providerId: string, model: string, usage: Usage): CallCost | undefined {
  const { inputTokens, outputTokens, cachedTokens = 0, cacheWriteTokens = 0 } = usage;
  // The table's input, too, is all of it; what it has no cache price for it prices as other input.
  const tokens = {
    input_tokens: inputTokens,
    output_tokens: outputTokens,
    cache_read_tokens: cachedTokens,
    cache_write_tokens: cacheWriteTokens,
  };
  try {
    const price = calculator()(tokens, model, { providerId });
    return price === null || !(price.total_price > 0 || inputTokens + outputTokens === 0)
      ? undefined
      : cost(price.total_price * MICRO);
  } catch {
    return undefined; // the table has the model and no price for this usage
  }
}

/** The cost at a price that was given. */
export function costAtPrice(price: ModelPrice, usage: Usage): CallCost | undefined {
  return cost(costAt(price, usage));
}

/** US dollars per million tokens are micro-dollars per token. */
function costAt(price: ModelPrice, usage: Usage): number {
  const { inputPerMtok, outputPerMtok } = price;
  const { cachedInputPerMtok = inputPerMtok, cacheWritePerMtok = inputPerMtok } = price;
  const { inputTokens, outputTokens, cachedTokens = 0, cacheWriteTokens = 0 } = usage;
  return (
    (inputTokens - cachedTokens - cacheWriteTokens) * inputPerMtok +
    cachedTokens * cachedInputPerMtok +
    cacheWriteTokens * cacheWritePerMtok +
    outputTokens * outputPerMtok
  );
}

/** The cost of a call of any provider; what is played or made of words costs nothing. */
export function costOfCall(
  provider: ProviderSettings,
  prices: Readonly<Record<string, ModelPrice>>,
  model: string,
  usage: Usage,
): CallCost | undefined {
  switch (provider.type) {
    case 'openai-compatible':
    case 'anthropic':
      return priceOf(provider, model, usage, prices[model]);
    case 'replay':
      return provider.record === undefined
        ? { costMicroUsd: 0 }
        : costOfCall(provider.record, prices, model, usage);
    case 'lexical':
      return { costMicroUsd: 0 };
    default:
      return assertUnreachable(provider);
  }
}

const hosts = new WeakMap<object, string>();

/** Read once a provider: every call asks. */
function hostOf(provider: Pick<HttpSettings, 'baseUrl'>): string {
  let host = hosts.get(provider);
  if (host === undefined) {
    const { baseUrl } = provider;
    host = URL.canParse(baseUrl) ? new URL(baseUrl).hostname : '';
    hosts.set(provider, host);
  }
  return host;
}

function cost(microUsd: number): CallCost | undefined {
  const costMicroUsd = Math.max(0, Math.ceil(microUsd - ROUNDING_SLACK));
  return Number.isSafeInteger(costMicroUsd) ? { costMicroUsd } : undefined;
}

let calcPrice: typeof GenaiPrices.calcPrice | undefined;

/** Loaded with the first call that needs it: the table takes 50 ms. */
function calculator(): typeof GenaiPrices.calcPrice {
  calcPrice ??= (createRequire(import.meta.url)('@pydantic/genai-prices') as typeof GenaiPrices)
    .calcPrice;
  return calcPrice;
}
