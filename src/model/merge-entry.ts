/** Merges a provider's entries from two sources. */
import { typeOf } from './finish-provider.ts';
import type { ProviderEntry } from './provider-entry.ts';

/**
 * Merges `above` over `below`, key by key. Settings that were meant for another server are not inherited. With a
 * new base URL these are the API key, the response format, stream options, parameters, prices, `allowPrivate` and
 * `batches`.
 * With a new proxy it is the proxy's key. An entry of another type inherits nothing.
 */
export function mergeEntry(below: ProviderEntry, above: ProviderEntry | undefined): ProviderEntry {
  if (above === undefined) return below;
  if (above.type !== undefined && above.type !== typeOf(below)) return above;
  const { proxyKey, proxyKeyEnv, ...ofServer } = below;
  const { apiKey, apiKeyEnv, ...ofKeptServer } = ofServer;
  const {
    responseFormat,
    streamOptions,
    parameters,
    prices,
    allowPrivate,
    batches,
    ...ofAnyServer
  } = ofKeptServer;
  const isElsewhere = above.baseUrl !== undefined && above.baseUrl !== below.baseUrl;
  const namesKey = above.apiKey !== undefined || above.apiKeyEnv !== undefined;
  const isOtherProxy = above.proxy !== undefined && above.proxy !== below.proxy;
  const namesProxyKey = above.proxyKey !== undefined || above.proxyKeyEnv !== undefined;
  return {
    ...(isElsewhere ? ofAnyServer : namesKey ? ofKeptServer : ofServer),
    ...(isOtherProxy || namesProxyKey || proxyKey === undefined ? {} : { proxyKey }),
    ...(isOtherProxy || namesProxyKey || proxyKeyEnv === undefined ? {} : { proxyKeyEnv }),
    ...above,
  };
}
