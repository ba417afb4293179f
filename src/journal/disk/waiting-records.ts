/** Holds `rows` and `cache.hits` records until the next sync and merges them to write fewer lines. */
import { JOURNAL_COMMIT_RECORDS } from '../../limits.ts';
import type { JournalRecord } from '../records.ts';

export type RowsRecord = JournalRecord & { readonly t: 'rows' };
export type HitsRecord = JournalRecord & { readonly t: 'cache.hits' };

export class WaitingRecords {
  #waiting: (RowsRecord | HitsRecord)[] = [];

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** True if the highest number of records waits. */
  get isFull(): boolean {
    return this.#waiting.length >= JOURNAL_COMMIT_RECORDS;
  }

  add(record: RowsRecord | HitsRecord): void {
    this.#waiting.push(record);
  }

  /** Removes and returns the waiting records, merged: rows by session and in row order, then cache hits. */
  take(): readonly (RowsRecord | HitsRecord)[] {
    const rows: RowsRecord[] = [];
    const hits = new Map<string, HitsRecord>();
    for (const record of this.#waiting) {
      if (record.t === 'rows') rows.push(record);
      else {
        const { session, caller, cell, provider, model } = record;
        const key = JSON.stringify([session, caller, cell, provider, model]);
        const known = hits.get(key);
        hits.set(key, known === undefined ? record : joinHits(known, record));
      }
    }
    this.#waiting = [];
    const joined: RowsRecord[] = [];
    for (const record of rows.sort(byPlace)) {
      const last = joined.at(-1);
      if (last !== undefined && isNext(last, record))
        joined[joined.length - 1] = join(last, record);
      else joined.push(record);
    }
    return [...joined, ...hits.values()];
  }
}

function joinHits(a: HitsRecord, b: HitsRecord): HitsRecord {
  const saved = [a.savedMicroUsd, b.savedMicroUsd].filter((cost) => cost !== null);
  return {
    ...(a.seq > b.seq ? a : b),
    count: a.count + b.count,
    savedMicroUsd: saved.length === 0 ? null : saved.reduce((sum, cost) => sum + cost, 0),
  };
}

function byPlace(a: RowsRecord, b: RowsRecord): number {
  if (a.session !== b.session) return a.session < b.session ? -1 : 1;
  return a.first - b.first;
}

/** True if `b` directly follows `a` and can be merged with it. Records with failures are not merged. */
function isNext(a: RowsRecord, b: RowsRecord): boolean {
  return (
    a.session === b.session &&
    a.caller === b.caller &&
    a.first + a.count === b.first &&
    a.failures.length === 0 &&
    b.failures.length === 0
  );
}

/** Merges two records. The result has the number and date of the later record. */
function join(a: RowsRecord, b: RowsRecord): RowsRecord {
  const later = a.seq > b.seq ? a : b;
  return {
    ...later,
    first: a.first,
    count: a.count + b.count,
    ok: a.ok + b.ok,
    null: a.null + b.null,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
  };
}
