/** Journal records of a made-up statement. Times are in ms since it began. */
import { Account } from '../../src/journal/account.ts';
import type { JournalEntry, JournalRecord } from '../../src/journal/records.ts';

const START_US = 1_750_000_000_000_000;

/** Dated and numbered as the journal does. */
export function recordsFrom(
  entries: readonly (readonly [number, JournalEntry])[],
): JournalRecord[] {
  return entries.map(([ms, entry], index) => ({
    v: 2 as const,
    seq: index + 1,
    at: START_US + ms * 1_000,
    session: 'udf-test-fox-000001',
    caller: 'sql-test-fox-000001',
    ...entry,
  }));
}

export function opened(sql: string, parallel: number): JournalEntry {
  const cascade = 'ask.yaml';
  return { t: 'statement.open', sql, kind: 'map', origin: 'query', parallel, cascade };
}

/** The end of a statement that took so long. */
export function closed(durationMs: number): JournalEntry {
  const names = { session: 'udf-test-fox-000001', caller: 'sql-test-fox-000001' };
  const summary = new Account().summary(names, durationMs, { complete: true });
  return { t: 'statement.close', summary };
}

/** A call that goes out. `n`: the how many-th try of what is asked under `key`. */
export function started(attempt: string, key: string, n = 1, queuedMs?: number): JournalEntry {
  return {
    ...{ t: 'attempt.start', attempt, cascade: 'ask.yaml', cell: 'ask', callKey: key, n, lane: 1 },
    ...{ provider: 'sim', model: 'm' },
    ...(queuedMs === undefined ? {} : { queuedMs }),
  };
}

/** Its end; `message` is that of an error. */
export function ended(
  attempt: string,
  durationMs: number,
  status = 200,
  message = 'no',
): JournalEntry {
  const error = { code: 'RVB_MODEL_HTTP', message } as const;
  return {
    ...{ t: 'attempt.end', attempt, status, durationMs, tokensIn: 3, tokensOut: 2 },
    ...{ costMicroUsd: status === 200 ? 50 : 0, costStatus: 'settled' },
    ...(status === 200 ? { outcome: 'ok' } : { outcome: 'failed', error }),
  };
}

export function hits(count: number): JournalEntry {
  return {
    ...{ t: 'cache.hits', count, savedMicroUsd: null },
    ...{ cell: 'ask', provider: 'sim', model: 'm' },
  };
}
