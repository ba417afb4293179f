/** Records of rows that wait for the next sync: runs that lie side by side are told of in one line. */
import { JOURNAL_COMMIT_RECORDS } from '../../limits.ts';
import type { JournalRecord } from '../records.ts';

export type RowsRecord = JournalRecord & { readonly t: 'rows' };

export class SettledRows {
  #waiting: RowsRecord[] = [];

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** As many wait as may. */
  get isFull(): boolean {
    return this.#waiting.length >= JOURNAL_COMMIT_RECORDS;
  }

  add(record: RowsRecord): void {
    this.#waiting.push(record);
  }

  /** Those that wait, by session and in row order, as few as they can be; none waits afterwards. */
  take(): readonly RowsRecord[] {
    const joined: RowsRecord[] = [];
    for (const record of this.#waiting.sort(byPlace)) {
      const last = joined.at(-1);
      if (last !== undefined && isNext(last, record))
        joined[joined.length - 1] = join(last, record);
      else joined.push(record);
    }
    this.#waiting = [];
    return joined;
  }
}

function byPlace(a: RowsRecord, b: RowsRecord): number {
  if (a.session !== b.session) return a.session < b.session ? -1 : 1;
  return a.first - b.first;
}

/** Failures keep the records that they came in. */
function isNext(a: RowsRecord, b: RowsRecord): boolean {
  return (
    a.session === b.session &&
    a.caller === b.caller &&
    a.first + a.count === b.first &&
    a.failures.length === 0 &&
    b.failures.length === 0
  );
}

/** Numbered and dated as the later of the two. */
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
