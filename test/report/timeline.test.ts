/** Timelines made of records, their figures, and their trace. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  boundMs,
  callsMs,
  costSteps,
  inFlightSteps,
  quantile,
  startUpMs,
  thinned,
  timeShares,
} from '../../src/report/measures.ts';
import { mergedBars } from '../../src/report/merge-bars.ts';
import { type Bar, timelineOf } from '../../src/report/timeline.ts';
import { traceJson } from '../../src/report/trace.ts';
import { closed, ended, hits, opened, recordsFrom, started } from './records.ts';

/** Two lanes; the first call is answered 429, backs off, is held, and succeeds. Others go on meanwhile. */
const RECORDS = recordsFrom([
  [0, opened('RVBBIT MAP', 2)],
  [5, hits(7)],
  [10, started('a', 'A')],
  [10, started('b', 'B')],
  [30, ended('a', 20, 429)],
  [50, ended('b', 40)],
  [50, started('c', 'C')],
  [100, started('a2', 'A', 2, 40)],
  [120, ended('a2', 20)],
  [150, ended('c', 100)],
]);

const shortOf = ({ bars }: { readonly bars: readonly Bar[] }) =>
  bars.map(({ lane, kind, fromUs, toUs }) => [lane, kind, fromUs / 1_000, toUs / 1_000]);

test('a call, its back-off, its wait for leave and its retry share a lane, stored answers take none', () => {
  const timeline = timelineOf(RECORDS);
  assert.equal(shortOf(timeline), [
    [0, 'hit', 5, 5],
    [1, 'start-up', 0, 10],
    [1, 'refused', 10, 30],
    [1, 'back-off', 30, 60],
    [1, 'queue', 60, 100],
    [1, 'call', 100, 120],
    [2, 'start-up', 0, 10],
    [2, 'call', 10, 50],
    [2, 'call', 50, 150],
  ]);
  assert.equal([timeline.lanes, timeline.endUs], [2, 150_000]);
  assert.match(timeline.bars[0]!.label, '7 stored answers');
  assert.match(timeline.bars[2]!.label, /ask\.yaml: ask, sim\/m, 20 ms: HTTP 429: RVB_MODEL_HTTP/);
});

test('a call without an end lasts to the last record, one that never went out is left out', () => {
  const records = recordsFrom([
    [0, opened('RVBBIT MAP', 2)],
    [1, started('a', 'A')],
    [2, started('b', 'B')],
    [9, { ...ended('b', 0), outcome: 'not_sent' } as ReturnType<typeof ended>],
  ]);
  assert.equal(shortOf(timelineOf(records)), [
    [1, 'start-up', 0, 1],
    [1, 'failed', 1, 9],
  ]);
});

test('of a call that settles after its statement only the time within the statement counts', () => {
  const timeline = timelineOf(
    recordsFrom([
      [0, opened('RVBBIT MAP', 2)],
      [10, started('a', 'A')],
      [20, started('b', 'B')],
      [90, ended('a', 80)],
      [100, closed(100)],
      [300, ended('b', 280)],
    ]),
  );
  assert.equal(shortOf(timeline), [
    [1, 'start-up', 0, 10],
    [1, 'call', 10, 90],
    [2, 'start-up', 0, 10],
    [2, 'call', 20, 100],
  ]);
  assert.equal([callsMs(timeline), boundMs(timeline, 2)], [160, 80]);
});

test('equal calls that fail at the same time each go on in their own lane', () => {
  const records = recordsFrom([
    [0, opened('RVBBIT MAP', 2)],
    [0, started('a', 'A')],
    [0, started('b', 'A')],
    [10, ended('a', 10, 503)],
    [10, ended('b', 10, 503)],
    [20, started('a2', 'A', 2)],
    [20, started('b2', 'A', 2)],
    [30, ended('a2', 10)],
    [30, ended('b2', 10)],
  ]);
  const chain = (lane: number) => [
    [lane, 'failed', 0, 10],
    [lane, 'back-off', 10, 20],
    [lane, 'call', 20, 30],
  ];
  assert.equal(shortOf(timelineOf(records)), [...chain(1), ...chain(2)]);
});

test('figures: the least time, cost and calls in flight over time, shares of the lanes', () => {
  const timeline = timelineOf(RECORDS);
  assert.is(callsMs(timeline), 180);
  assert.is(startUpMs(timeline), 10);
  assert.is(boundMs(timeline, 2), 100, 'the longest call');
  assert.is(boundMs(timeline, 1), 180, 'all of them');
  assert.equal(costSteps(timeline).at(-1), { atUs: 150_000, value: 150 });
  assert.is(Math.max(...inFlightSteps(timeline).map(({ value }) => value)), 2);
  assert.is(inFlightSteps(timeline).at(-1)!.value, 0);
  const shares = timeShares(timeline, 2);
  assert.is(shares.get('call'), (20 + 40 + 100) / 300);
  assert.is(shares.get('back-off'), 30 / 300);
  assert.is(shares.get('start-up'), (10 + 10) / 300);
  assert.ok(Math.abs([...shares.values()].reduce((sum, one) => sum + one, 0) - 1) < 1e-9);
  assert.equal(
    [quantile([], 0.5), quantile([3, 1, 2], 0.5), quantile([1, 2], 1)],
    [undefined, 2, 2],
  );
  const unpriced = RECORDS.map((record) =>
    record.t === 'attempt.end' ? { ...record, costMicroUsd: null } : record,
  );
  assert.equal(costSteps(timelineOf(unpriced)), [], 'no price is not a price of 0');
});

test('many bars become few, and cover the same time', () => {
  const bars: Bar[] = Array.from({ length: 20_000 }, (_, index) => ({
    lane: (index % 20) + 1,
    fromUs: Math.floor(index / 20) * 100,
    toUs: Math.floor(index / 20) * 100 + 95,
    kind: index % 7 === 0 ? 'refused' : 'call',
    label: '',
  }));
  const merged = mergedBars(bars, 100_000, 500);
  assert.ok(merged.length <= 500 && merged.length >= 20, String(merged.length));
  for (const lane of [1, 20]) {
    const own = merged.filter((bar) => bar.lane === lane);
    assert.equal([own[0]!.fromUs, own.at(-1)!.toUs], [0, 99_995]);
  }
  assert.is(mergedBars(bars, 100_000, 20_000), bars, 'few enough are left as they are');
  const startUp: Bar = { lane: 1, fromUs: 0, toUs: 400, kind: 'start-up', label: '' };
  const after = bars.map((bar) => ({ ...bar, fromUs: bar.fromUs + 400, toUs: bar.toUs + 400 }));
  assert.equal(mergedBars([startUp, ...after], 100_400, 500)[0], startUp, 'it stays by itself');
  const steps = Array.from({ length: 5_000 }, (_, index) => ({ atUs: index, value: index % 100 }));
  const thin = thinned(steps, 100);
  assert.ok(thin.length <= 102);
  assert.equal([thin[0], thin.at(-1)], [steps[0], steps.at(-1)]);
});

test('the trace has a named thread a lane, and times that go up in each', () => {
  const { traceEvents } = JSON.parse(traceJson(timelineOf(RECORDS), 'a "title"')) as {
    traceEvents: {
      ph: string;
      name: string;
      tid: number;
      ts: number;
      dur: number;
      args: { name: string };
    }[];
  };
  const names = traceEvents.filter(({ ph }) => ph === 'M').map(({ args }) => args.name);
  assert.equal(names, ['a "title"', 'stored answers', 'lane 1', 'lane 2']);
  for (const lane of [0, 1, 2]) {
    const own = traceEvents.filter(({ ph, tid }) => ph === 'X' && tid === lane);
    assert.ok(own.length > 0);
    for (const [index, { ts }] of own.entries()) {
      const before = own[index - 1];
      assert.ok(before === undefined || ts >= before.ts + before.dur, `lane ${lane}`);
    }
  }
  const refused = traceEvents.find(({ name }) => name === '429')!;
  assert.equal([refused.ts, refused.dur], [10_000, 20_000], 'microseconds');
});

test.run();
