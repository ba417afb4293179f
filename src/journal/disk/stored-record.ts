/** The records of a segment: the journal's own, and those that concern stored answers alone. */
import type { StoredAnswer } from '../answers.ts';
import type { JournalRecord } from '../records.ts';

type Base = Pick<JournalRecord, 'v' | 'seq' | 'at' | 'session' | 'caller'>;

/** Answers that are no longer to be used, by whatever process. */
export interface CacheClear extends Base {
  readonly t: 'cache.clear';
  /** Answers dated earlier than this (µs since the epoch) are cleared. */
  readonly before: number;
  /** Of these keys; of all where it is left out. */
  readonly keys?: readonly string[];
}

/** An answer that compaction has copied from its `attempt.end`. No call of its own: accounts pass it over. */
export interface KeptAnswer extends Base, Partial<AnswerSource> {
  readonly t: 'answer';
  readonly callKey: string;
  readonly value: string;
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly costMicroUsd: number | null;
}

/** A process has taken a job for itself until a time. No process writes it yet. */
export interface Lease extends Base {
  readonly t: 'lease';
  readonly job: string;
  readonly owner: string;
  /** µs since the epoch. */
  readonly until: number;
}

export type StartRecord = JournalRecord & { readonly t: 'attempt.start' };

/** Of whom an answer is. */
export type AnswerSource = Pick<StartRecord, 'provider' | 'model'>;

/** What a line of a segment holds. */
export type StoredRecord = JournalRecord | CacheClear | KeptAnswer | Lease;

/** The key that the record's answer is found under; undefined if it holds none. */
export function answerKey(record: StoredRecord): string | undefined {
  if (record.t !== 'attempt.end' && record.t !== 'answer') return undefined;
  return record.value === undefined ? undefined : record.callKey;
}

/** The answer that the record holds, if any. */
export function answerOf(record: StoredRecord): StoredAnswer | undefined {
  if (record.t !== 'attempt.end' && record.t !== 'answer') return undefined;
  if (record.callKey === undefined || record.value === undefined) return undefined;
  const { value: text, tokensIn, tokensOut, costMicroUsd, at } = record;
  return { text, tokensIn, tokensOut, costMicroUsd, at };
}

/** Of whom the record's answer is, by the starts of its segment or its own words; {} where neither says. */
export function askedOf(
  record: StoredRecord,
  starts: ReadonlyMap<string, AnswerSource>,
): Partial<AnswerSource> {
  if (record.t !== 'attempt.end' && record.t !== 'answer') return {};
  const asked = record.t === 'attempt.end' ? starts.get(record.attempt) : undefined;
  const { provider, model } = asked ?? record;
  return provider === undefined || model === undefined ? {} : { provider, model };
}
