/** One provider's entry of the configuration or the engine options, checked. */
import { CONFIG_MAX_NUMBER } from '../limits.ts';
import { type ProviderLimits, readLimits } from './call-limits.ts';
import type { HttpSettings, ProviderSettings } from './chat.ts';
import type { ModelPrice } from './prices.ts';
import { readObject, type Spelling, spell } from './read-keys.ts';
import { optionError, readMapping, readNumber, readText, wrongType } from './read-value.ts';

/** An entry as it was written, with what it leaves out left out. */
export interface ProviderEntry {
  readonly type?: ProviderSettings['type'];
  readonly baseUrl?: string;
  readonly apiKey?: string;
  readonly apiKeyEnv?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly responseFormat?: HttpSettings['responseFormat'];
  readonly connections?: number;
  readonly limits?: ProviderLimits;
  readonly prices?: Readonly<Record<string, ModelPrice>>;
  readonly proxy?: string;
  readonly proxyKey?: string;
  readonly proxyKeyEnv?: string;
  readonly allowPrivate?: boolean;
  /** Of a recording; as written, so relative to where it was written. */
  readonly file?: string;
  readonly mode?: (typeof MODES)[number];
  readonly from?: string;
}

/** The keys of each type of provider, besides `type`. */
export const KEYS_OF_TYPE: Readonly<Record<ProviderSettings['type'], readonly string[]>> = {
  'openai-compatible': [
    'base_url',
    'api_key',
    'api_key_env',
    'headers',
    'response_format',
    'connections',
    'limits',
    'prices',
    'proxy',
    'proxy_key',
    'proxy_key_env',
    'allow_private',
  ],
  replay: ['file', 'mode', 'from'],
  lexical: [],
};
const KEYS = ['type', ...Object.values(KEYS_OF_TYPE).flat()];
const TYPES = ['openai-compatible', 'replay', 'lexical'] as const;
const MODES = ['play', 'record'] as const;
const PRICE_KEYS = ['input_per_mtok', 'output_per_mtok'];
const FORMATS = ['json_schema', 'json_object', 'none'] as const;
/** Headers that the engine or the connection sets. */
const OWN_HEADERS =
  /^(?:host|content-.*|transfer-encoding|connection|accept-encoding|expect|upgrade|te|trailer|keep-alive|proxy-.*)$/i;
const SECRET_HEADERS = /^(?:authorization|cookie|.*api[-_]?key.*|.*token.*|.*secret.*)$/i;
const MAX_CONNECTIONS = 65_536;

/** Reads an entry; `path` is its place, e.g. `providers.openrouter`. Throws RVB_OPTION_TYPE and the like. */
export function readProviderEntry(value: unknown, path: string, spelling: Spelling): ProviderEntry {
  const entry = readObject(value, path, KEYS, spelling);
  const at = (key: string): string => `${path}.${spell(key, spelling)}`;
  const { api_key: apiKey, api_key_env: apiKeyEnv } = entry;
  for (const key of ['api_key', 'proxy_key']) {
    if (entry[key] === undefined || spelling !== 'file') continue;
    const what = `${at(key)}: a key does not belong in a file; name the environment variable that holds it in ${key}_env`;
    throw optionError(what);
  }
  return {
    ...(entry['type'] === undefined ? {} : { type: oneOf(TYPES, entry['type'], at('type')) }),
    ...(entry['file'] === undefined ? {} : { file: readText(entry['file'], at('file')) }),
    ...(entry['mode'] === undefined ? {} : { mode: oneOf(MODES, entry['mode'], at('mode')) }),
    ...(entry['from'] === undefined ? {} : { from: readText(entry['from'], at('from')) }),
    ...readProxy(entry, at),
    ...(entry['allow_private'] === undefined
      ? {}
      : { allowPrivate: readFlag(entry['allow_private'], at('allow_private')) }),
    ...(entry['base_url'] === undefined
      ? {}
      : { baseUrl: readBaseUrl(entry['base_url'], at('base_url')) }),
    ...(apiKey === undefined ? {} : { apiKey: readText(apiKey, at('api_key'), true) }),
    ...(apiKeyEnv === undefined ? {} : { apiKeyEnv: readVariable(apiKeyEnv, at('api_key_env')) }),
    ...(entry['headers'] === undefined
      ? {}
      : { headers: readHeaders(entry['headers'], at('headers'), spelling) }),
    ...(entry['response_format'] === undefined
      ? {}
      : { responseFormat: oneOf(FORMATS, entry['response_format'], at('response_format')) }),
    ...(entry['connections'] === undefined
      ? {}
      : {
          connections: readNumber(entry['connections'], at('connections'), {
            whole: true,
            min: 0,
            max: MAX_CONNECTIONS,
          }),
        }),
    ...(entry['limits'] === undefined
      ? {}
      : { limits: readLimits(entry['limits'], at('limits'), spelling) }),
    ...(entry['prices'] === undefined
      ? {}
      : { prices: readPrices(entry['prices'], at('prices'), spelling) }),
  };
}

/** An http(s) URL without credentials or fragment, as the operator wrote it, without a slash at its end. */
export function readBaseUrl(value: unknown, path: string): string {
  const text = readText(value, path);
  if (!URL.canParse(text)) {
    throw wrongType(path, 'an http or https URL', text.includes('@') ? 'what it has' : text);
  }
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw wrongType(path, 'an http or https URL', `${url.protocol}…`);
  }
  if (url.username !== '' || url.password !== '') {
    const key = path.endsWith('proxy') ? 'proxy_key_env' : 'api_key_env';
    throw optionError(`${path}: a URL must not hold credentials; use ${key}`);
  }
  if (url.hash !== '') throw wrongType(path, 'a URL without #', `${url.origin}…`);
  return text.replace(/\/+$/, '');
}

function readHeaders(
  value: unknown,
  path: string,
  spelling: Spelling,
): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const [name, item] of Object.entries(readMapping(value, path, true))) {
    const at = `${path}.${name}`;
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name))
      throw wrongType(path, 'names of headers', name);
    if (OWN_HEADERS.test(name)) throw optionError(`${at}: this header is the engine's own`);
    if (spelling === 'file' && SECRET_HEADERS.test(name)) {
      throw optionError(`${at}: a secret does not belong in a file; use api_key_env`);
    }
    headers[name.toLowerCase()] = readText(item, at, true);
  }
  return headers;
}

function readPrices(
  value: unknown,
  path: string,
  spelling: Spelling,
): Readonly<Record<string, ModelPrice>> {
  const prices: Record<string, ModelPrice> = {};
  for (const [model, item] of Object.entries(readMapping(value, path))) {
    const at = `${path}.${model}`;
    const price = readObject(item, at, PRICE_KEYS, spelling);
    const [inputPerMtok, outputPerMtok] = PRICE_KEYS.map((key) =>
      readNumber(price[key], `${at}.${spell(key, spelling)}`, {
        whole: false,
        min: 0,
        max: CONFIG_MAX_NUMBER,
      }),
    );
    const entry = { inputPerMtok: inputPerMtok!, outputPerMtok: outputPerMtok! };
    Object.defineProperty(prices, model, { value: entry, enumerable: true });
  }
  return prices;
}

function readProxy(
  entry: Readonly<Record<string, unknown>>,
  at: (key: string) => string,
): Pick<ProviderEntry, 'proxy' | 'proxyKey' | 'proxyKeyEnv'> {
  const { proxy, proxy_key: key, proxy_key_env: keyEnv } = entry;
  const url = proxy === undefined ? undefined : readBaseUrl(proxy, at('proxy'));
  if (url !== undefined && new URL(url).pathname + new URL(url).search !== '/') {
    throw wrongType(at('proxy'), 'a URL without a path', url);
  }
  const proxyKey = key === undefined ? undefined : readText(key, at('proxy_key'), true);
  return {
    ...(url === undefined ? {} : { proxy: url }),
    ...(proxyKey === undefined ? {} : { proxyKey }),
    ...(keyEnv === undefined ? {} : { proxyKeyEnv: readVariable(keyEnv, at('proxy_key_env')) }),
  };
}

function oneOf<T extends string>(known: readonly T[], value: unknown, path: string): T {
  const found = known.find((item) => item === value);
  if (found === undefined) throw wrongType(path, known.join(', '), value);
  return found;
}

function readFlag(value: unknown, path: string): boolean {
  if (typeof value !== 'boolean') throw wrongType(path, 'true or false', value);
  return value;
}

function readVariable(value: unknown, path: string): string {
  const name = readText(value, path);
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return name;
  // What stands there may be the key itself, so it is not shown.
  throw optionError(`${path} takes the name of an environment variable, not a key`);
}
