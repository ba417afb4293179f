/** What a provider, a model or a statement may ask at most, and how it is configured. */
import { durationMs } from '../cascade/duration.ts';
import { CONFIG_MAX_NUMBER, RATE_WINDOW_MAX_MS, RATE_WINDOW_MS } from '../limits.ts';
import { readObject, type Spelling, spell } from './read-keys.ts';
import { optionError, readMapping, readNumber, wrongType } from './read-value.ts';

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

const LIMIT_KEYS = ['rpm', 'input_tpm', 'output_tpm', 'window', 'in_flight', 'ramp'];

/** `limits` of a provider; `path` is its place. Throws RVB_OPTION_TYPE and the like. */
export function readLimits(value: unknown, path: string, spelling: Spelling): ProviderLimits {
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
    const range = { whole: true, min: 1, max: CONFIG_MAX_NUMBER };
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
