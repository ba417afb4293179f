/** The records of a segment: the journal's records, and further kinds that exist only on disk. */
import type { StoredAnswer } from '../answers.ts';
import type { JournalRecord } from '../records.ts';

type Base = Pick<JournalRecord, 'v' | 'seq' | 'at' | 'session' | 'caller'>;

/** Clears answers: no process may use them any more. */
export interface CacheClear extends Base {
  readonly t: 'cache.clear';
  /** Answers dated earlier than this (µs since the epoch) are cleared. */
  readonly before: number;
  /** The keys of the cleared answers. If absent, the answers of all keys are cleared. */
  readonly keys?: readonly string[];
}

/** An answer that compaction has copied from its `attempt.end`. It is not a call, so accounts do not count it. */
export interface KeptAnswer extends Base, Partial<AnswerSource> {
  readonly t: 'answer';
  readonly callKey: string;
  readonly value: string;
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly costMicroUsd: number | null;
}

export type StartRecord = JournalRecord & { readonly t: 'attempt.start' };

/** The provider and model that gave an answer. */
export type AnswerSource = Pick<StartRecord, 'provider' | 'model'>;

/** The record in a line of a segment. */
export type StoredRecord = JournalRecord | CacheClear | KeptAnswer;

/** Returns the call key of the record's answer; undefined if the record holds no answer. */
export function answerKey(record: StoredRecord): string | undefined {
  if (record.t !== 'attempt.end' && record.t !== 'answer') return undefined;
  return record.value === undefined ? undefined : record.callKey;
}

/** Returns the answer that the record holds, if any. */
export function answerOf(record: StoredRecord): StoredAnswer | undefined {
  if (record.t !== 'attempt.end' && record.t !== 'answer') return undefined;
  if (record.callKey === undefined || record.value === undefined) return undefined;
  const { value: text, tokensIn, tokensOut, costMicroUsd, at } = record;
  return { text, tokensIn, tokensOut, costMicroUsd, at };
}

/** Returns the provider and model of the record's answer, from `starts` or the record; {} if neither names them. */
export function askedOf(
  record: StoredRecord,
  starts: ReadonlyMap<string, AnswerSource>,
): Partial<AnswerSource> {
  if (record.t !== 'attempt.end' && record.t !== 'answer') return {};
  const asked = record.t === 'attempt.end' ? starts.get(record.attempt) : undefined;
  const { provider, model } = asked ?? record;
  return provider === undefined || model === undefined ? {} : { provider, model };
}
