/** Lists every answer of a folder that can still be found, with its provider and model, for people to read. */
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

/** One answer, with only the beginning of its text. */
export interface ListedAnswer {
  readonly callKey: string;
  readonly provider: string | undefined;
  readonly model: string | undefined;
  /** µs since the epoch. */
  readonly at: number;
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly costMicroUsd: number | null;
  /** The first 80 characters of the answer. `chars` is the length of the whole answer. */
  readonly start: string;
  readonly chars: number;
}

const START_CHARS = 80;

/** How often stored answers of a model were used instead of new calls. */
export interface ListedHits {
  readonly provider: string;
  readonly model: string;
  readonly count: number;
  /** Micro-USD that the answers cost when they were bought; null if none of them has a known price. */
  readonly savedMicroUsd: number | null;
}

export interface AnswerList {
  /** The answers, the newest first. */
  readonly answers: readonly ListedAnswer[];
  /** One entry for each model. */
  readonly hits: readonly ListedHits[];
}

/** Reads all segments and returns the answers that can be found and the counts of cache hits. */
export function listAnswers(
  files: FileSystem,
  folder: string,
  onDamage: (damage: Damage) => void,
): AnswerList {
  const newest = new Map<string, ListedAnswer>();
  const hits = new Map<string, ListedHits>();
  const cleared = new Cleared();
  const models = new Map<string, AnswerSource>();
  const visit = ({ record }: ReadLine) => {
    if (record.t === 'cache.clear') cleared.add(record);
    if (record.t === 'attempt.start') models.set(record.attempt, record);
    if (record.t === 'cache.hits') {
      const { provider, model, count } = record;
      const known = hits.get(modelKey(record));
      const costs = [known?.savedMicroUsd, record.savedMicroUsd].filter((cost) => cost != null);
      hits.set(modelKey(record), {
        ...{ provider, model, count: (known?.count ?? 0) + count },
        savedMicroUsd: costs.length === 0 ? null : costs.reduce((sum, cost) => sum + cost, 0),
      });
    }
    const listed = listedAnswer(record, models);
    if (record.t === 'attempt.end') models.delete(record.attempt);
    const known = listed && newest.get(listed.callKey);
    if (listed !== undefined && (known === undefined || known.at <= listed.at)) {
      newest.set(listed.callKey, listed);
    }
  };
  readSegments(files, folder, visit, onDamage);
  const answers = [...newest.values()]
    .filter(({ callKey, at }) => !cleared.covers(callKey, at))
    .sort((a, b) => b.at - a.at);
  return { answers, hits: [...hits.values()] };
}

function modelKey({ provider, model }: AnswerSource): string {
  return `${provider}/${model}`;
}

function listedAnswer(
  record: StoredRecord,
  models: ReadonlyMap<string, AnswerSource>,
): ListedAnswer | undefined {
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
