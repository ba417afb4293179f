/** Statistics of earlier calls: tokens, time, and how often answers were TRUE. EXPLAIN predicts from them. */
import { dropOldest } from '../../util/drop-oldest.ts';
import type { StoredRecord } from '../disk/stored-record.ts';
import type { AnswerShare, AttemptEnd } from '../records.ts';
import { criterionHash } from './criterion-hash.ts';
import { Samples } from './samples.ts';

/** The highest number of cells and of criteria that a process remembers. */
export const EXPERIENCE_MAX_KEYS = 1_000;
/** The highest number of in-flight calls and of open statements that a process remembers. */
export const EXPERIENCE_MAX_OPEN = 10_000;

/** The model that a call asks, and the cell that makes the call. */
export interface CallPlace {
  readonly provider: string;
  readonly model: string;
  /** The file of the cascade. */
  readonly cascade: string;
  readonly cell: string;
}

/** Statistics of the calls of one cell; if the cell has made none, of all calls to its model. */
export interface CallExperience {
  readonly source: 'cell' | 'model';
  readonly calls: number;
  readonly tokensOut: Samples;
  /** For each call: the share of the prompt that was read from the provider's cache, 0 to 1. */
  readonly cachedShare: Samples;
  /** For each call: the share of the prompt that was written into the provider's cache, 0 to 1. */
  readonly cacheWriteShare: Samples;
  readonly durationMs: Samples;
}

/** Statistics of the answers of an operator to one criterion, or to all criteria together. */
export interface AnswerExperience {
  readonly source: 'criterion' | 'operator';
  readonly answers: number;
  /** The share of TRUE answers, 0 to 1; for text answers, the number of different texts per answer. */
  readonly share: number;
}

interface Calls extends Omit<CallExperience, 'source' | 'calls'> {
  count: number;
}

interface Share {
  met: number;
  of: number;
}

/** Learns from a journal's records as they come. Its memory is bounded. */
export class Experience {
  readonly #calls = new Map<string, Calls>();
  readonly #answers = new Map<string, Share>();
  /** By cascade and cell: how often runs reached the cell. */
  readonly #visits = new Map<string, number>();
  readonly #runs = new Map<string, number>();
  readonly #open = new Map<string, CallPlace>();
  /** The `cascade` field of each open statement, by session. */
  readonly #cascades = new Map<string, string>();
  #loading: Promise<void> | undefined;

  /** Loads what earlier processes have recorded. Calls `read` only the first time. */
  load(read: () => Promise<void>): Promise<void> {
    this.#loading ??= read();
    return this.#loading;
  }

  observe(record: StoredRecord): void {
    switch (record.t) {
      case 'statement.open':
        if (record.cascade !== undefined) {
          keep(this.#cascades, record.session, record.cascade, EXPERIENCE_MAX_OPEN);
        }
        return;
      case 'attempt.start': {
        const { attempt, cell, provider, model, n } = record;
        const cascade = record.cascade ?? this.#cascades.get(record.session) ?? '';
        // A shared call tells nothing about the time and the tokens of a call with one question, nor does a batch.
        if (record.shared === undefined && record.batch === undefined) {
          keep(this.#open, attempt, { provider, model, cascade, cell }, EXPERIENCE_MAX_OPEN);
        }
        if (n === 1) this.#visit(cascade, cell, 1);
        return;
      }
      case 'attempt.end': {
        const place = this.#open.get(record.attempt);
        this.#open.delete(record.attempt);
        if (place === undefined || record.outcome !== 'ok') return;
        for (const key of [cellKey(place), modelKey(place)]) this.#learn(key, record);
        return;
      }
      case 'cache.hits': {
        const cascade = this.#cascades.get(record.session);
        if (cascade !== undefined) this.#visit(cascade, record.cell, record.count);
        return;
      }
      case 'rows': {
        const cascade = this.#cascades.get(record.session);
        if (cascade === undefined) return;
        const runs = (this.#runs.get(cascade) ?? 0) + record.count;
        keep(this.#runs, cascade, runs, EXPERIENCE_MAX_KEYS);
        return;
      }
      case 'answers.learned':
        for (const share of record.shares) this.#noteAnswers(share);
        return;
      case 'statement.close':
        this.#cascades.delete(record.session);
        return;
      default:
    }
  }

  callsAt(place: CallPlace): CallExperience | undefined {
    const own = this.#calls.get(cellKey(place));
    const calls = own ?? this.#calls.get(modelKey(place));
    if (calls === undefined) return undefined;
    const { count, ...samples } = calls;
    return { source: own === undefined ? 'model' : 'cell', calls: count, ...samples };
  }

  answersOf(operator: string, criterion: string): AnswerExperience | undefined {
    const own = this.#answers.get(criterionKey(operator, criterionHash(criterion)));
    const share = own ?? this.#answers.get(operator);
    if (share === undefined || share.of === 0) return undefined;
    return {
      source: own === undefined ? 'operator' : 'criterion',
      answers: share.of,
      share: share.met / share.of,
    };
  }

  /** Returns the share of a cascade's runs that reached a cell; undefined if the cascade has no runs. */
  shareOfRuns(cascade: string, cell: string): number | undefined {
    const runs = this.#runs.get(cascade);
    if (runs === undefined || runs === 0) return undefined;
    return Math.min(1, (this.#visits.get(`${cascade}\n${cell}`) ?? 0) / runs);
  }

  #noteAnswers({ operator, criterion, met, of }: AnswerShare): void {
    const keys = [
      operator,
      ...(criterion === undefined ? [] : [criterionKey(operator, criterion)]),
    ];
    for (const key of keys) {
      const share = this.#answers.get(key) ?? { met: 0, of: 0 };
      share.met += met;
      share.of += of;
      keep(this.#answers, key, share, EXPERIENCE_MAX_KEYS);
    }
  }

  #visit(cascade: string, cell: string, times: number): void {
    const key = `${cascade}\n${cell}`;
    keep(this.#visits, key, (this.#visits.get(key) ?? 0) + times, EXPERIENCE_MAX_KEYS);
  }

  #learn(key: string, end: AttemptEnd): void {
    const calls = this.#calls.get(key) ?? noCalls();
    keep(this.#calls, key, calls, EXPERIENCE_MAX_KEYS);
    calls.count += 1;
    calls.tokensOut.add(end.tokensOut);
    calls.cachedShare.add((end.tokensCached ?? 0) / Math.max(1, end.tokensIn));
    calls.cacheWriteShare.add((end.tokensCacheWrite ?? 0) / Math.max(1, end.tokensIn));
    calls.durationMs.add(end.durationMs);
  }
}

/** Keeps the value as the newest entry and drops the oldest entries beyond `most`. */
function keep<T>(map: Map<string, T>, key: string, value: T, most: number): void {
  map.delete(key);
  map.set(key, value);
  dropOldest(map, most);
}

function modelKey({ provider, model }: CallPlace): string {
  return `${provider}\n${model}`;
}

function cellKey(place: CallPlace): string {
  return `${modelKey(place)}\n${place.cascade}\n${place.cell}`;
}

function criterionKey(operator: string, hash: string): string {
  return `${operator}\n${hash}`;
}

function noCalls(): Calls {
  return {
    count: 0,
    tokensOut: new Samples(),
    cachedShare: new Samples(),
    cacheWriteShare: new Samples(),
    durationMs: new Samples(),
  };
}
