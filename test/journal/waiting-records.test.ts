/** Records of rows that wait for a sync become as few as they can be, and add up to the same. */
import * as fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type HitsRecord,
  type RowsRecord,
  WaitingRecords,
} from '../../src/journal/disk/waiting-records.ts';
import { RECORD_VERSION } from '../../src/journal/records.ts';
import { cases, reportCases, seed } from '../support/cases.ts';

let seq = 0;

function rows(session: string, first: number, count: number, failed = 0): RowsRecord {
  seq += 1;
  return {
    ...{
      v: RECORD_VERSION,
      seq,
      at: seq * 10,
      session,
      caller: `sql-of-${session}`,
      t: 'rows',
      first,
      count,
    },
    ...{ ok: count - failed, null: 0, failed, skipped: 0 },
    failures: Array.from({ length: failed }, (_, at) => ({
      ...{ ordinal: first + at, code: 'RVB_TIMEOUT' as const, message: 'late', attempts: 1 },
    })),
  };
}

test('runs side by side become one record, whatever order they settled in', () => {
  const waiting = new WaitingRecords();
  for (const [first, count] of [
    [4, 2],
    [0, 3],
    [6, 1],
    [3, 1],
    [9, 1],
  ] as const) {
    waiting.add(rows('a', first, count));
  }
  const last = seq;
  const taken = waiting.take() as RowsRecord[];
  assert.equal(
    taken.map(({ first, count, ok }) => [first, count, ok]),
    [
      [0, 7, 7],
      [9, 1, 1],
    ],
  );
  assert.is(taken[0]!.seq, last - 1, 'numbered as the latest of them');
  assert.is(waiting.isEmpty, true);
  assert.equal(waiting.take(), []);
});

test('records of two statements, and those with failures, stay apart', () => {
  const waiting = new WaitingRecords();
  waiting.add(rows('a', 0, 1));
  waiting.add(rows('b', 1, 1));
  waiting.add(rows('a', 1, 1, 1));
  waiting.add(rows('a', 2, 1));
  assert.equal(
    (waiting.take() as RowsRecord[]).map(({ session, first, failed }) => [session, first, failed]),
    [
      ['a', 0, 0],
      ['a', 1, 1],
      ['a', 2, 0],
      ['b', 1, 0],
    ],
  );
});

test('nothing is lost or counted twice', () => {
  const piece = fc.record({
    session: fc.constantFrom('a', 'b'),
    count: fc.integer({ min: 1, max: 3 }),
    failed: fc.integer({ min: 0, max: 1 }),
    at: fc.double({ noNaN: true }),
  });
  const numRuns = cases(1_000, 20_000);
  const property = fc.property(fc.array(piece, { maxLength: 64 }), (pieces) => {
    const next: Record<string, number> = { a: 0, b: 0 };
    const settled = pieces.map(({ session, count, failed, at }) => {
      const first = next[session]!;
      next[session] = first + count;
      return { at, record: rows(session, first, count, failed) };
    });
    const waiting = new WaitingRecords();
    for (const { record } of settled.sort((x, y) => x.at - y.at)) waiting.add(record);
    const taken = waiting.take() as RowsRecord[];
    for (const session of ['a', 'b']) {
      const own = taken.filter((record) => record.session === session);
      let at = 0;
      for (const { first, count, ok, failed, failures } of own) {
        assert.is(first, at, 'in row order, without a gap');
        assert.is(ok + failed, count);
        assert.is(failures.length, failed);
        at += count;
      }
      assert.is(at, next[session]);
    }
  });
  fc.assert(property, { numRuns, seed });
  reportCases(numRuns, 'lists of settled runs');
});

test('hits of one cell to one model become one record that adds up to the same', () => {
  const waiting = new WaitingRecords();
  const hits = (session: string, count: number, savedMicroUsd: number | null): HitsRecord => {
    seq += 1;
    return {
      ...{ v: RECORD_VERSION, seq, at: seq * 10, session, caller: session, t: 'cache.hits' },
      ...{ count, savedMicroUsd, cell: 'ask', provider: 'p', model: 'm' },
    };
  };
  waiting.add(hits('a', 1, null));
  waiting.add(hits('b', 5, 7));
  waiting.add(hits('a', 2, 3));
  waiting.add({ ...hits('a', 9, 1), model: 'n' });
  waiting.add(hits('a', 4, 10));
  const told = waiting.take() as HitsRecord[];
  assert.equal(
    told.map(({ session, model, count, savedMicroUsd }) => [session, model, count, savedMicroUsd]),
    [
      ['a', 'm', 7, 13],
      ['b', 'm', 5, 7],
      ['a', 'n', 9, 1],
    ],
  );
  assert.is(told[0]?.seq, seq);
  assert.ok(waiting.isEmpty);
});

test.run();
