/** One source's entry of a provider over that of the sources below it. */
import { typeOf } from './finish-provider.ts';
import type { ProviderEntry } from './provider-entry.ts';

/**
 * Key by key. An entry with a base URL or a proxy of its own does not inherit what was meant for another
 * server: its key, and with the URL its response format, its parameters, its prices and that its address may be private. One
 * of another type inherits nothing.
 */
export function mergeEntry(below: ProviderEntry, above: ProviderEntry | undefined): ProviderEntry {
  if (above === undefined) return below;
  if (above.type !== undefined && above.type !== typeOf(below)) return above;
  const { proxyKey, proxyKeyEnv, ...ofServer } = below;
  const { apiKey, apiKeyEnv, ...ofKeptServer } = ofServer;
  const { responseFormat, streamOptions, parameters, prices, allowPrivate, ...ofAnyServer } =
    ofKeptServer;
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
