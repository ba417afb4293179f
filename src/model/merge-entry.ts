/** One source's entry of a provider over that of the sources below it. */
import { typeOf } from './finish-provider.ts';
import { BUILT_IN_URLS } from './presets.ts';
import { isSecretHeader, type ProviderEntry } from './provider-config.ts';
import { type Spelling, spell } from './read-keys.ts';
import { optionError } from './read-value.ts';

/**
 * Key by key. An entry with a base URL or a proxy of its own does not inherit what was meant for another
 * server: its key, and with the URL its response format, its prices and that its address may be private. One
 * of another type inherits nothing. Throws RVB_OPTION_TYPE where a key would go to a URL of a source below.
 */
export function mergeEntry(
  id: string,
  below: ProviderEntry,
  above: ProviderEntry | undefined,
  spelling: Spelling,
): ProviderEntry {
  if (above === undefined) return below;
  if (above.type !== undefined && above.type !== typeOf(below)) return above;
  refuseStrayKey(id, below, above, spelling);
  const { proxyKey, proxyKeyEnv, ...ofServer } = below;
  const { apiKey, apiKeyEnv, ...ofKeptServer } = ofServer;
  const { responseFormat, prices, allowPrivate, ...ofAnyServer } = ofKeptServer;
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

function refuseStrayKey(
  id: string,
  below: ProviderEntry,
  above: ProviderEntry,
  spelling: Spelling,
): void {
  const stray = (key: string, url: string): Error =>
    optionError(
      `providers.${id}.${spell(key, spelling)}: a secret goes only to a server that the same source names; give ${spell(url, spelling)} beside it`,
    );
  const isUrlOfBelow =
    above.baseUrl === undefined &&
    below.baseUrl !== undefined &&
    below.baseUrl !== BUILT_IN_URLS[id];
  if (isUrlOfBelow) {
    if (above.apiKey !== undefined) throw stray('api_key', 'base_url');
    if (above.apiKeyEnv !== undefined && above.apiKeyEnv !== below.apiKeyEnv) {
      throw stray('api_key_env', 'base_url');
    }
    if (Object.keys(above.headers ?? {}).some(isSecretHeader)) throw stray('headers', 'base_url');
  }
  if (above.proxy === undefined && below.proxy !== undefined) {
    if (above.proxyKey !== undefined) throw stray('proxy_key', 'proxy');
    if (above.proxyKeyEnv !== undefined && above.proxyKeyEnv !== below.proxyKeyEnv) {
      throw stray('proxy_key_env', 'proxy');
    }
  }
}
