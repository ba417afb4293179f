/** One provider's entry of the configuration or the engine options, checked. */
import { nearestSpelling } from '../../grammar/spelling.ts';
import { durationMs } from '../cascade/duration.ts';
import { RvbbitError } from '../errors.ts';
import { RATE_WINDOW_MAX_MS, RATE_WINDOW_MS } from '../limits.ts';
import type { HttpSettings, ProviderSettings } from './chat.ts';
import type { ModelPrice } from './prices.ts';
import { optionError, readMapping, readNumber, readText, wrongType } from './read-value.ts';

/** What may be asked at most; the gate of the main thread keeps to it. */
export interface CallLimits {
  /** Rates are per minute, and hold in every window of `windowMs`: 180 rpm and 1,000 ms are 3 in any second. */
  readonly rpm?: number;
  readonly inputTpm?: number;
  readonly outputTpm?: number;
  /** Default: a minute. */
  readonly windowMs?: number;
  readonly inFlight?: number;
  /** Calls in flight that may be added in a second, from a cold start. */
  readonly ramp?: number;
}

/** The limits of a provider, over all of its models, and of single models, which hold in addition. */
export interface ProviderLimits extends CallLimits {
  readonly models?: Readonly<Record<string, CallLimits>>;
}

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

/** How keys are written: `base_url` in a file, `baseUrl` in the API, where a literal key is allowed. */
export type Spelling = 'file' | 'api';

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
const LIMIT_KEYS = ['rpm', 'input_tpm', 'output_tpm', 'window', 'in_flight', 'ramp'];
const PRICE_KEYS = ['input_per_mtok', 'output_per_mtok'];
const FORMATS = ['json_schema', 'json_object', 'none'] as const;
/** Headers that the engine or the connection sets. */
const OWN_HEADERS =
  /^(?:host|content-.*|transfer-encoding|connection|accept-encoding|expect|upgrade|te|trailer|keep-alive|proxy-.*)$/i;
const SECRET_HEADERS = /^(?:authorization|cookie|.*api[-_]?key.*|.*token.*|.*secret.*)$/i;
/** Rates and prices beyond this are slips of the keyboard. */
const MAX_NUMBER = 1e12;
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

/** A plain object whose keys are known, under their names in a file. */
function readObject(
  value: unknown,
  path: string,
  known: readonly string[],
  spelling: Spelling,
): Readonly<Record<string, unknown>> {
  const names = new Map(known.map((key) => [spell(key, spelling), key]));
  const found: Record<string, unknown> = {};
  for (const [name, item] of Object.entries(readMapping(value, path, true))) {
    const key = names.get(name);
    if (key === undefined) {
      const near = nearestSpelling(name, names.keys());
      const hint =
        near === undefined ? `; it has ${[...names.keys()].join(', ')}` : `; did you mean ${near}?`;
      throw new RvbbitError('RVB_UNKNOWN_OPTION', `${path} has no key ${name}${hint}`, {
        stage: 'open',
      });
    }
    if (item !== undefined) found[key] = item;
  }
  return found;
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

function readLimits(value: unknown, path: string, spelling: Spelling): ProviderLimits {
  const { models, ...own } = readObject(value, path, [...LIMIT_KEYS, 'models'], spelling);
  const limits = readCallLimits(own, path, spelling);
  if (models === undefined) return limits;
  const byModel: Record<string, CallLimits> = {};
  for (const [model, item] of Object.entries(readMapping(models, `${path}.models`))) {
    const at = `${path}.models.${model}`;
    const read = readCallLimits(readObject(item, at, LIMIT_KEYS, spelling), at, spelling);
    Object.defineProperty(byModel, model, { value: read, enumerable: true });
  }
  return { ...limits, models: byModel };
}

/** Keys are those of a file. */
function readCallLimits(
  limits: Readonly<Record<string, unknown>>,
  path: string,
  spelling: Spelling,
): CallLimits {
  const at = (key: string): string => `${path}.${spell(key, spelling)}`;
  const windowMs = limits['window'] === undefined ? undefined : readWindow(limits, at);
  const read = (key: string, isRate: boolean): number | undefined => {
    if (limits[key] === undefined) return undefined;
    const range = { whole: true, min: 1, max: MAX_NUMBER };
    const number = readNumber(limits[key], at(key), range);
    const least = 60_000 / (windowMs ?? RATE_WINDOW_MS);
    if (!isRate || number >= least) return number;
    const what = `${at(key)}: ${number} a minute is less than one in a ${at('window')} of ${windowMs} ms; take a longer one`;
    throw optionError(what);
  };
  const rpm = read('rpm', true);
  const inputTpm = read('input_tpm', true);
  const outputTpm = read('output_tpm', true);
  const inFlight = read('in_flight', false);
  const ramp = read('ramp', false);
  return {
    ...(rpm === undefined ? {} : { rpm }),
    ...(inputTpm === undefined ? {} : { inputTpm }),
    ...(outputTpm === undefined ? {} : { outputTpm }),
    ...(windowMs === undefined ? {} : { windowMs }),
    ...(inFlight === undefined ? {} : { inFlight }),
    ...(ramp === undefined ? {} : { ramp }),
  };
}

function readWindow(
  { window }: Readonly<Record<string, unknown>>,
  at: (key: string) => string,
): number {
  const isDuration = typeof window === 'string' || typeof window === 'number';
  const ms = isDuration ? durationMs(window) : undefined;
  if (ms !== undefined && ms <= RATE_WINDOW_MAX_MS) return ms;
  throw wrongType(at('window'), 'a duration up to an hour, such as 1s', window);
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
        max: MAX_NUMBER,
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

/** A key of a file as it is written in the file or in the API. */
export function spell(key: string, spelling: Spelling): string {
  if (spelling === 'file') return key;
  return key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
