/** Computes the cost of a call from the operator's prices, else from a table of public prices. Main thread only. */
import type * as GenaiPrices from '@pydantic/genai-prices';
import { assertUnreachable } from '../errors.ts';
import { requirePackage } from '../util/require-package.ts';
import type { HttpSettings, ProviderSettings, Usage } from './chat.ts';

/** US dollars per million tokens. */
export interface ModelPrice {
  readonly inputPerMtok: number;
  readonly outputPerMtok: number;
  /** For input tokens that came from the provider's cache. Default: `inputPerMtok`. */
  readonly cachedInputPerMtok?: number;
  /** For input tokens that were written to the provider's cache. Default: `inputPerMtok`. */
  readonly cacheWritePerMtok?: number;
}

/** The cost of a call, in whole micro-dollars. */
export interface CallCost {
  readonly costMicroUsd: number;
  /** The maker's list price for this model name was used, because the prices of the called server are unknown. */
  readonly isAssumed?: true;
}

/** The part of the price that providers charge for a call of their Batch APIs. */
export const BATCH_SHARE = 0.5;

/** More than the rounding error of binary fractions in a product, and far less than a micro-dollar. */
const ROUNDING_SLACK = 1e-6;
const MICRO = 1e6;

/** The price table's service name for each host. A self-hosted server has no public price. */
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

/** Models that only their makers run, with the maker's name in the price table. Other servers forward such calls. */
const MAKERS: readonly (readonly [RegExp, string])[] = [
  [/^(?:gpt-(?!oss)|chatgpt-|o\d)/, 'openai'],
  [/^claude-/, 'anthropic'],
  [/^gemini-/, 'google'],
];

/**
 * Returns the cost of a call of an HTTP provider in whole micro-dollars. It is rounded up, so that a sum never
 * understates and a paid call never costs 0. Reasoning tokens are part of the output. Undefined if the price is
 * unknown. `share`: the part of the price that is charged.
 */
export function priceOf(
  provider: Pick<HttpSettings, 'baseUrl'>,
  model: string,
  usage: Usage,
  configured?: ModelPrice,
  share = 1,
): CallCost | undefined {
  if (configured !== undefined) return cost(share * costAt(configured, usage));
  const host = hostOf(provider);
  if (Object.hasOwn(PRICED_HOSTS, host)) return listed(PRICED_HOSTS[host]!, model, usage, share);
  // Gateways put the maker's name first, e.g. `openai/gpt-4o-mini`.
  const name = model.slice(model.lastIndexOf('/') + 1);
  const maker = MAKERS.find(([models]) => models.test(name))?.[1];
  const assumed = maker === undefined ? undefined : listed(maker, name, usage, share);
  return assumed === undefined ? undefined : { ...assumed, isAssumed: true };
}

/** Returns the cost by the table of public prices. */
function listed(
  providerId: string,
  model: string,
  usage: Usage,
  share: number,
): CallCost | undefined {
  const { inputTokens, outputTokens, cachedTokens = 0, cacheWriteTokens = 0 } = usage;
  // The table also counts cached tokens as part of the input, and charges the input price if it has no cache price.
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
      : cost(share * price.total_price * MICRO);
  } catch {
    return undefined; // the table has the model and no price for this usage
  }
}

/** Returns the context of a model at the server of its maker, in tokens; undefined if it is unknown. */
export function listedContext(
  provider: Pick<HttpSettings, 'baseUrl'>,
  model: string,
): number | undefined {
  const providerId = PRICED_HOSTS[hostOf(provider)];
  // The table is right about the models of these makers, and behind with those of others.
  if (!MAKERS.some(([, maker]) => maker === providerId)) return undefined;
  const found = calculator()({ input_tokens: 0 }, model, { providerId: providerId! });
  return found?.model.context_window;
}

/** Returns the cost at the given price; undefined if it is not a safe integer. */
export function costAtPrice(price: ModelPrice, usage: Usage): CallCost | undefined {
  return cost(costAt(price, usage));
}

/** Returns micro-dollars: US dollars per million tokens equal micro-dollars per token. */
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

/** Returns the cost of a call of any provider. Recorded answers and word overlap cost nothing. */
export function costOfCall(
  provider: ProviderSettings,
  prices: Readonly<Record<string, ModelPrice>>,
  model: string,
  usage: Usage,
  share = 1,
): CallCost | undefined {
  switch (provider.type) {
    case 'openai-compatible':
    case 'anthropic':
      return priceOf(provider, model, usage, prices[model], share);
    case 'replay':
      return provider.record === undefined
        ? { costMicroUsd: 0 }
        : costOfCall(provider.record, prices, model, usage, share);
    case 'lexical':
      return { costMicroUsd: 0 };
    default:
      return assertUnreachable(provider);
  }
}

const hosts = new WeakMap<object, string>();

/** Returns the host of a provider's base URL. Cached per provider, since every call needs it. */
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

/** Returns the price table's function. It is loaded when it is first needed, since loading takes 50 ms. */
function calculator(): typeof GenaiPrices.calcPrice {
  calcPrice ??= (requirePackage('@pydantic/genai-prices') as typeof GenaiPrices).calcPrice;
  return calcPrice;
}
