/** What the journal keeps: `journal` of the engine options or of the configuration file, checked. */
import { parseDurationMs } from '../../grammar/options.ts';
import { refuseUnknown } from '../check-options.ts';
import { RvbbitError } from '../errors.ts';
import { JOURNAL_SEGMENT_MAX_BYTES } from '../limits.ts';
import type { JournalOptions } from './disk/disk-journal.ts';

/** Keys as the API spells them and as a file does. */
const KEYS = {
  prompts: 'prompts',
  answers: 'answers',
  maxAge: 'max_age',
  maxBytes: 'max_bytes',
  segmentMaxBytes: 'segment_max_bytes',
};

/** Throws RVB_UNKNOWN_OPTION or RVB_OPTION_TYPE with the place; `undefined` and an empty mapping say nothing. */
export function readJournalOptions(
  value: unknown,
  place: string,
  spelling: 'api' | 'file',
): JournalOptions {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw wrong(place, 'a mapping', value);
  const names = Object.entries(KEYS).map(([api, file]) => (spelling === 'api' ? api : file));
  refuseUnknown(place, value, names);
  const get = (key: keyof typeof KEYS): unknown =>
    (value as Readonly<Record<string, unknown>>)[spelling === 'api' ? key : KEYS[key]];
  const at = (key: keyof typeof KEYS) => `${place}.${spelling === 'api' ? key : KEYS[key]}`;
  const maxAge = get('maxAge');
  const isAge = typeof maxAge === 'string' || typeof maxAge === 'number';
  const maxAgeMs = isAge ? parseDurationMs(maxAge) : undefined;
  if (maxAge !== undefined && maxAgeMs === undefined) {
    throw wrong(at('maxAge'), 'a duration such as 30d', maxAge);
  }
  const sizes: { maxBytes?: number; segmentMaxBytes?: number } = {};
  for (const key of ['maxBytes', 'segmentMaxBytes'] as const) {
    const most = key === 'maxBytes' ? Number.MAX_SAFE_INTEGER : JOURNAL_SEGMENT_MAX_BYTES;
    const size = get(key);
    if (size === undefined) continue;
    if (!isCount(size, most)) {
      throw wrong(at(key), `a whole number of bytes from 1 to ${most}`, size);
    }
    sizes[key] = size;
  }
  const switches: { prompts?: boolean; answers?: boolean } = {};
  for (const key of ['prompts', 'answers'] as const) {
    const set = get(key);
    if (set === undefined) continue;
    if (typeof set !== 'boolean') throw wrong(at(key), 'true or false', set);
    switches[key] = set;
  }
  return {
    ...switches,
    ...(maxAgeMs === undefined ? {} : { maxAgeMs }),
    ...sizes,
  };
}

function isCount(value: unknown, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= most;
}

function wrong(place: string, expected: string, value: unknown): RvbbitError {
  const shown = JSON.stringify(value) ?? String(value);
  return new RvbbitError('RVB_OPTION_TYPE', `${place} takes ${expected}, not ${shown}`, {
    stage: 'open',
  });
}
