/** Records of every kind, and all records that differ from them in one field. */
import type { StoredRecord } from '../../src/journal/disk/stored-record.ts';
import { RECORD_VERSION } from '../../src/journal/records.ts';
import { summaryWith } from '../cli/support.ts';
import { keyOf, START_AT } from './support.ts';

export const base = { v: RECORD_VERSION, seq: 3, at: START_AT, session: 's', caller: 'c' };
const failures = [{ ordinal: 0, code: 'RVB_CELL', message: 'm', attempts: 1 }] as const;

/** A record of every kind with every field. A figure with a fraction may have one. */
export const SAMPLES: readonly Required<StoredRecord>[] = [
  {
    ...{ ...base, t: 'statement.open', sql: 'q', kind: 'map', origin: 'api', label: 'l' },
    ...{
      parallel: 3,
      cascade: 'c.yaml',
      engine: '1',
      strategy: 'wave',
      hasParameters: true,
      resumes: 's',
    },
  },
  { ...base, t: 'statement.read', rows: 1, runs: 1, deduped: 0 },
  {
    ...{ ...base, t: 'attempt.start', attempt: 's.1', cascade: 'c.yaml', cell: 'ask' },
    ...{ callKey: keyOf(1), n: 1, provider: 'p', model: 'm', lane: 1, again: 2 },
    insteadOf: 'p/first',
    queuedMs: 3.5,
    shared: { call: 's.1', of: 2 },
    batch: 'rvb-1-0',
    prompt: [{ role: 'user', content: 'x' }],
  },
  {
    ...{ ...base, t: 'attempt.end', attempt: 's.1', outcome: 'ok', status: 200.5, tokensIn: 1 },
    ...{
      tokensOut: 1,
      tokensCached: 1,
      tokensCacheWrite: 1,
      costMicroUsd: 1.5,
      costStatus: 'settled',
      durationMs: 1.5,
    },
    ...{ callKey: keyOf(1), value: 'WRONG', provider: 'p', model: 'm' },
    ...{ error: { code: 'RVB_CELL', message: 'm' }, raw: 'r' },
  },
  {
    ...base,
    t: 'cache.hits',
    count: 1,
    savedMicroUsd: 12.5,
    cell: 'ask',
    provider: 'p',
    model: 'm',
  },
  { ...base, t: 'rows', first: 0, count: 1, ok: 1, null: 0, failed: 0, skipped: 0, failures },
  { ...base, t: 'run.stalled', run: 0, limitMs: 1.5 },
  { ...base, t: 'worker.lost', reason: 'r' },
  {
    ...{ ...base, t: 'parameter.refused', provider: 'p', model: 'm' },
    ...{ parameter: 'max_tokens', instead: 'limit' },
  },
  { ...base, t: 'answers.learned', shares: [{ operator: 'o', criterion: 'c', met: 1.5, of: 2.5 }] },
  {
    ...{ ...base, t: 'statement.close', errorCode: 'RVB_DEADLINE' },
    summary: {
      ...summaryWith({
        reason: 'deadline',
        costMicroUsd: 1.5,
        durationMs: 1.5,
        waitedMs: 1.5,
        failures,
      }),
      tokens: { in: 1.5, out: 1.5, cached: 1.5, cacheWrite: 1.5 },
      refusedParameters: [{ model: 'p/m', parameter: 'max_tokens', instead: 'limit' }],
      fallbacks: [{ model: 'p/m', insteadOf: 'p/first', calls: 1 }],
    },
  },
  { ...base, t: 'cache.clear', before: START_AT * 2, keys: [keyOf(1)] },
  {
    ...{ ...base, t: 'answer', callKey: keyOf(1), value: 'WRONG', tokensIn: 1, tokensOut: 1 },
    ...{ costMicroUsd: 1.5, provider: 'p', model: 'm' },
  },
];

type Path = readonly (string | number)[];

const OPTIONAL = new Set([
  ...[
    'errorCode',
    'label',
    'cascade',
    'engine',
    'hasParameters',
    'resumes',
    'again',
    'queuedMs',
    'instead',
    'refusedParameters',
    'fallbacks',
    'prompt',
    'status',
  ],
  ...['raw', 'error', 'keys', 'reason', 'criterion'],
  ...['tokensCached', 'tokensCacheWrite', 'cached', 'cacheWrite'],
]);
/** May be left out of records of this kind, and is required of another. */
const OPTIONAL_OF_KIND: Readonly<Record<string, readonly string[]>> = {
  'attempt.start': ['insteadOf', 'shared', 'batch'],
  'attempt.end': ['callKey', 'value', 'provider', 'model'],
  answer: ['provider', 'model'],
  'statement.open': ['strategy'],
};

function mayMiss({ t }: { readonly t: string }, path: Path): boolean {
  const [name] = path.slice(-1);
  if (path.length === 1 && OPTIONAL_OF_KIND[t]?.includes(String(name))) return true;
  if (t === 'worker.lost') return false;
  return path.at(-2) !== 'summary' || name !== 'status' ? OPTIONAL.has(String(name)) : false;
}

/** The place of every value in a record but its kind, the innermost ones as well. */
function pathsIn(value: unknown, at: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [at];
  const inner = Object.entries(value)
    .filter(([name]) => at.length > 0 || name !== 't')
    .flatMap(([name, each]) => pathsIn(each, [...at, Array.isArray(value) ? Number(name) : name]));
  return at.length === 0 ? inner : [at, ...inner];
}

function valueAt(record: unknown, path: Path): unknown {
  return path.reduce((value, name) => Object(value)[name], record);
}

/** The record's JSON with the JSON text at a place, or without the field where there is no text. */
function jsonWith(record: unknown, path: Path, text: string | undefined): string {
  const copy = structuredClone(record);
  const holder = Object(valueAt(copy, path.slice(0, -1)));
  if (text === undefined) delete holder[path.at(-1)!];
  else holder[path.at(-1)!] = '\u0001';
  return JSON.stringify(copy).replace('"\\u0001"', () => text!);
}

const DEEP = `${'['.repeat(5_000)}${']'.repeat(5_000)}`;
/** JSON of every type, huge ones among them; `1e999` is read as infinite. */
export const OTHERS = [
  ...[
    'null',
    'true',
    'false',
    '""',
    '"x"',
    '"5"',
    '-1',
    '-1e-9',
    '0.5',
    '1e300',
    '1e999',
    '-1e999',
  ],
  ...['[]', '[null]', '[5]', '{}', '{"length":1}', '{"valueOf":1,"toString":2,"__proto__":{}}'],
  ...[DEEP, `"${'9'.repeat(100_000)}"`, `[${'0,'.repeat(9_999)}0]`, '9007199254740993'],
];

/** Whether a value may stand where the sample has its own. */
function fits(sample: unknown, path: Path, json: string): boolean {
  const value: unknown = JSON.parse(json);
  const name = String(path.at(-1));
  if (name === 'v') return false;
  if (value === null) return name === 'costMicroUsd' || name === 'savedMicroUsd';
  if (sample === true) return value === true;
  if (typeof sample === 'string') {
    const isDecided = ['outcome', 'costStatus'].includes(name) || sample === 'incomplete';
    return typeof value === 'string' && !(isDecided || sample === 'complete');
  }
  if (typeof sample === 'number') {
    const isNumber = typeof value === 'number' && value >= 0 && value < Infinity;
    return isNumber && (!Number.isInteger(sample) || Number.isSafeInteger(value));
  }
  return Array.isArray(sample) && Array.isArray(value) && value.length === 0;
}

/** All records in which one field has another type, no value of its own, or is missing, and whether that may be. */
export function* changes(): Generator<{
  readonly json: string;
  readonly may: boolean;
  readonly what: string;
}> {
  for (const record of SAMPLES) {
    for (const path of pathsIn(record)) {
      const what = `${record.t}: ${path.join('.')}`;
      const sample = valueAt(record, path);
      for (const text of OTHERS) {
        const json = jsonWith(record, path, text);
        yield { json, may: fits(sample, path, text), what: `${what} = ${text.slice(0, 50)}` };
      }
      if (typeof path.at(-1) === 'number') continue;
      yield { json: jsonWith(record, path, undefined), may: mayMiss(record, path), what };
    }
  }
}
