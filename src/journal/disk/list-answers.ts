/** Every answer of a folder that can still be found, and of whom it was: for people to look at. */
import { Cleared } from './cleared.ts';
import type { FileSystem } from './file-system.ts';
import type { Damage, ReadLine } from './segment-reader.ts';
import {
  type AnswerSource,
  answerKey,
  answerOf,
  askedOf,
  type StoredRecord,
} from './stored-record.ts';
import { readSegments } from './survey.ts';

/** One answer, its text cut short. */
export interface ListedAnswer {
  readonly callKey: string;
  readonly provider: string | undefined;
  readonly model: string | undefined;
  /** µs since the epoch. */
  readonly at: number;
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly costMicroUsd: number | null;
  /** The first characters. */
  readonly start: string;
  readonly chars: number;
  /** How often it was used in place of a call. */
  readonly hits: number;
}

const START_CHARS = 80;

/** Reads all segments and gives the answers, the newest first. */
export function listAnswers(
  files: FileSystem,
  folder: string,
  onDamage: (damage: Damage) => void,
): ListedAnswer[] {
  const newest = new Map<string, Omit<ListedAnswer, 'hits'>>();
  const hits = new Map<string, number>();
  const cleared = new Cleared();
  const models = new Map<string, AnswerSource>();
  const visit = ({ record }: ReadLine) => {
    if (record.t === 'cache.clear') cleared.add(record);
    if (record.t === 'attempt.start') models.set(record.attempt, record);
    if (record.t === 'cache.hits') {
      for (const key of record.callKeys) hits.set(key, (hits.get(key) ?? 0) + 1);
    }
    const listed = listedAnswer(record, models);
    if (record.t === 'attempt.end') models.delete(record.attempt);
    const known = listed && newest.get(listed.callKey);
    if (listed !== undefined && (known === undefined || known.at <= listed.at)) {
      newest.set(listed.callKey, listed);
    }
  };
  readSegments(files, folder, visit, onDamage);
  return [...newest.values()]
    .filter(({ callKey, at }) => !cleared.covers(callKey, at))
    .sort((a, b) => b.at - a.at)
    .map((answer) => ({ ...answer, hits: hits.get(answer.callKey) ?? 0 }));
}

function listedAnswer(
  record: StoredRecord,
  models: ReadonlyMap<string, AnswerSource>,
): Omit<ListedAnswer, 'hits'> | undefined {
  const callKey = answerKey(record);
  const answer = answerOf(record);
  if (callKey === undefined || answer === undefined) return undefined;
  const asked = askedOf(record, models);
  const { text, at, tokensIn, tokensOut, costMicroUsd } = answer;
  return {
    ...{ callKey, provider: asked.provider, model: asked.model, at },
    ...{ tokensIn, tokensOut, costMicroUsd },
    ...{ start: text.slice(0, START_CHARS), chars: text.length },
  };
}
