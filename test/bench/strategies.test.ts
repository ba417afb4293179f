/** `npm run bench`: what it compares, and that it sees what is wrong. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ratioOf } from '../../bench/compare.ts';
import { holds } from '../../bench/report.ts';
import { wrongRows } from '../../bench/strategies/ways.ts';
import type { Workload } from '../../bench/strategies/workload.ts';
import type { Spread } from '../../bench/suite.ts';
import { strategies } from '../../bench/suites/strategies.ts';
import { bench } from './run-bench.ts';

const SMALL: Workload = {
  name: 'small',
  about: 'a few rows',
  rows: 12,
  parallel: 4,
  sim: { latency: { kind: 'constant', ms: 5 }, seed: 7 },
};

/** A report of the strategies in which every sample has these figures, but for those of one way. */
function reportOf(changed: string, figures: Readonly<Record<string, number>>) {
  const suite = strategies({ full: false });
  const usual = {
    ms: 400,
    cpuMs: 100,
    rssMb: 100,
    wrong: 0,
    calls: 60,
    inFlight: 10,
    boundMs: 300,
  };
  const spreadOf = (variant: string, metric: string): Spread | undefined => {
    const all: Record<string, number> = variant.endsWith(`: ${changed}`)
      ? { ...usual, ...figures }
      : usual;
    const value = all[metric]!;
    return { variant, metric, median: value, min: value, max: value };
  };
  return {
    failed: suite
      .figures((variant, metric) => spreadOf(variant, metric)!.median)
      .filter((figure) => !holds(figure))
      .map(({ name }) => name),
    table: suite.table?.(spreadOf) ?? '',
  };
}

test('rows that were swapped, lost or made up are counted as wrong', () => {
  const right = Array.from({ length: 12 }, (_, id) => `question ${id}`);
  assert.is(wrongRows(SMALL, right), 0);
  const [first, second, ...rest] = right;
  assert.is(wrongRows(SMALL, [second, first, ...rest]), 2);
  assert.is(wrongRows(SMALL, [undefined, ...right.slice(1)]), 1);
  assert.is(wrongRows(SMALL, [...right, 'question 12']), 1);
  assert.ok(
    wrongRows(
      SMALL,
      right.map(() => 'question 1'),
    ) >= 11,
    'question 1 is no answer to question 11',
  );
});

test('a wrong row, a call made twice and a slow scheduler are told', () => {
  assert.equal(reportOf('batch', {}).failed, []);
  const swapped = reportOf('wave', { wrong: 2 });
  assert.equal(swapped.failed, [
    'constant: wrong rows',
    'heavy tail: wrong rows',
    'cpu: wrong rows',
  ]);
  assert.match(swapped.table, /wave .* 2 WRONG\n/);
  assert.equal(reportOf('static', { calls: 120 }).failed, [
    'constant: calls for 60 rows',
    'heavy tail: calls for 60 rows',
  ]);
  const slow = reportOf('batch', { ms: 520 });
  assert.equal(
    slow.failed,
    ['constant', 'heavy tail', 'cpu'].map((name) => `${name}: batch against the bare client`),
  );
});

test('a wrong option or suite runs nothing and exits with 2, --help names all', async () => {
  for (const args of [
    ['--fast'],
    ['nothing'],
    ['--samples', '0'],
    ['--filter', 'nothing'],
    ['--samples'],
  ]) {
    const { code, stdout, stderr } = await bench(...args);
    assert.equal([code, stdout], [2, ''], args.join(' '));
    assert.match(stderr, /^bench: .*npm run bench -- --help\n$/s);
  }
  const { code, stdout } = await bench('--help');
  assert.is(code, 0);
  for (const word of ['strategies', 'dispatch', '--full', '--filter', '--json', '--samples']) {
    assert.match(stdout, word);
  }
});

test('two revisions are compared by the ratios of their pairs', async () => {
  assert.equal(ratioOf([2, 4, 6], [1, 2, 3]), ['2.000', '2.000–2.000']);
  const [ratio, interval] = ratioOf([10, 11, 9, 10], [10, 10, 10, 10]);
  assert.ok(Math.abs(Number(ratio) - 1) < 0.01);
  const [low, high] = interval.split('–').map(Number);
  assert.ok(low! < 0.95 && high! > 1.05, interval);
  assert.equal(ratioOf([1], [2]), ['0.500', '']);
  assert.equal(ratioOf([0, 1], [1, 1]), ['', '']);
  const { code, stderr } = await bench('parse', '--compare', 'no-such-revision');
  assert.is(code, 2);
  assert.match(stderr, /no-such-revision/);
});

test.run();
