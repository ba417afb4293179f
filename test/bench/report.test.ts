/** `npm run bench -- --report`: the page of the strategies, and which way it calls the winner. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { writeStrategiesPage } from '../../bench/report-page/strategies-page.ts';
import { type MeasuredWay, verdictOn } from '../../bench/report-page/verdict.ts';
import { timelineOfLedger } from '../../bench/strategies/ledger-timeline.ts';
import type { Spread } from '../../bench/suite.ts';
import { comparisons, nameOf } from '../../bench/suites/strategies.ts';
import { loadPlotting } from '../../src/report/plotting.ts';
import type { Timeline } from '../../src/report/timeline.ts';
import type { LedgerEntry } from '../../src/sim/ledger.ts';
import { bench } from './run-bench.ts';

function measured(way: MeasuredWay['way'], median: number, wrong = 0, spread = 10): MeasuredWay {
  const ms = { variant: '', metric: 'ms', median, min: median - spread, max: median + spread };
  return { way, ms, wrong };
}

test('the winner is the fastest way with right rows, the floor aside; level ways share it', () => {
  const bare = measured('bare client', 100);
  const won = verdictOn([bare, measured('batch', 110), measured('wave', 330)], 10, 100);
  assert.is(won.winner, 'batch');
  assert.match(won.reason, /^110 ms, 1\.10 times the least possible\. With batch each lane takes/);
  assert.match(won.reason, 'wave takes 3.0 times as long: all lanes wait for the slowest row');
  const level = verdictOn([measured('static', 115), measured('batch', 110)], 10, undefined);
  assert.is(level.winner, 'batch, static');
  assert.match(level.reason, "level, within each other's spread: 110 ms.");
  const wrong = verdictOn([measured('batch', 110), measured('wave', 50, 2)], 10, 100);
  assert.is(wrong.winner, 'batch');
  assert.match(wrong.reason, 'Wrong rows: wave.');
  assert.is(verdictOn([bare, measured('wave', 50, 2)], 10, 100).winner, 'none');
  const serial = verdictOn(
    [measured('batch', 100), measured('wave', 200), measured('udf', 900)],
    10,
    90,
  );
  assert.match(serial.reason, /wave takes 2\.0 .* udf takes 9\.0 times as long: DuckDB calls/);
});

test("a run without a journal has the timeline of the server's ledger", () => {
  const entry = (ordinal: number, atMs: number, durationMs: number, status: number) =>
    ({ ordinal, atMs, durationMs, status, costMicroUsd: 5 }) as LedgerEntry;
  const timeline = timelineOfLedger(
    [entry(1, 1_000, 50, 200), entry(2, 1_010, 20, 429), entry(3, 1_040, 20, 200)],
    1_000,
    80,
  );
  assert.equal(
    timeline.bars.map(({ lane, kind, fromUs, toUs }) => [lane, kind, fromUs, toUs]),
    [
      [1, 'call', 0, 50_000],
      [2, 'refused', 10_000, 30_000],
      [2, 'call', 40_000, 60_000],
    ],
  );
  assert.equal([timeline.lanes, timeline.endUs], [2, 80_000]);
});

/** What a sample of a way left: calls one after another on `parallel` lanes. */
function timelineOf(way: string, parallel: number): Timeline {
  const ms = way === 'wave' ? 100 : 50;
  const entries = Array.from({ length: 60 }, (_, index) => ({
    ...{ ordinal: index + 1, durationMs: 40, status: 200, costMicroUsd: 5 },
    atMs: 1_000 + Math.floor(index / parallel) * ms,
  }));
  return timelineOfLedger(entries as unknown as LedgerEntry[], 1_000, (60 / parallel) * ms);
}

test('the page shows wall times by way and against n, timelines, latency and cost of each workload', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'rvbbit-report-'));
  const compared = comparisons({ full: false, sweep: true });
  const timelines = new Map<string, Timeline>();
  const spreads: Spread[] = [];
  for (const { workload, ways } of compared) {
    for (const way of ways) {
      const variant = nameOf(workload, way);
      const hasCalls = workload.sim !== undefined;
      const timeline = timelineOf(way, workload.parallel);
      if (hasCalls) timelines.set(variant, timeline);
      const ms = timeline.endUs / 1_000;
      const metrics = { ms, wrong: 0, ...(hasCalls ? { boundMs: ms - 20 } : {}) };
      for (const [metric, median] of Object.entries(metrics)) {
        spreads.push({ variant, metric, median, min: median * 0.9, max: median * 1.1 });
      }
    }
  }
  const machine = '2 × <b>CPU</b>';
  const about = {
    suite: 'strategies',
    about: 'a',
    machine,
    versions: 'v',
    samples: 3,
    figures: [],
  };
  try {
    const plotting = await loadPlotting();
    const parts = { plotting, directory, comparisons: compared, timelines };
    const said = writeStrategiesPage({ ...about, spreads }, parts);
    const page = readFileSync(join(directory, 'index.html'), 'utf8');
    assert.equal([...new Set(page.match(/\w+:\/\/[^"'\s<]*/g))], ['http://www.w3.org/2000/svg']);
    assert.not.match(page, /<script|<b>CPU/);
    for (const heading of ['constant', 'heavy tail', 'cpu'])
      assert.match(page, `<h2>${heading}</h2>`);
    assert.match(page, '<td>heavy tail n=20</td>');
    assert.match(page, /wave takes 2\.0 times as long: .* \(lanes busy 40 % of the time\)/);
    const files = readdirSync(directory);
    assert.match(said, `${files.length - 1} SVG files`);
    const callCharts = ['n', 'latency', 'cost', 'timeline-wave', 'timeline-bare-client'];
    for (const chart of ['wall', ...callCharts])
      assert.ok(files.includes(`heavy-tail-${chart}.svg`), chart);
    assert.equal(
      files.filter((name) => name.startsWith('cpu')),
      ['cpu-wall.svg'],
      'it makes no calls',
    );
    const wall = readFileSync(join(directory, 'heavy-tail-wall.svg'), 'utf8');
    assert.match(wall, /^<svg .*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
    assert.match(wall, '>ideal</text>');
    const [opening] = /^<svg [^>]*>/.exec(wall)!;
    const attributes = opening.match(/[\w:-]+(?==")/g)!;
    assert.is(new Set(attributes).size, attributes.length, 'XML takes each attribute once');
    const lines = readFileSync(join(directory, 'heavy-tail-n.svg'), 'utf8');
    for (const n of [4, 10, 20]) assert.match(lines, `>${n}</text>`);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('what cannot be drawn is refused before anything is run', async () => {
  for (const args of [
    ['--report', '--simulated'],
    ['--report', '--compare', 'HEAD'],
    ['parse', '--report'],
    ['--output', 'somewhere'],
    ['--report', '--output', '/dev/null/x'],
  ]) {
    const { code, stdout, stderr } = await bench(...args);
    assert.equal([code, stdout], [2, ''], args.join(' '));
    assert.match(stderr, /^bench: /);
  }
});

test.run();
