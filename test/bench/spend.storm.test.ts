/** Every query of the suite `spend` asks what it is to ask, and EXPLAIN says so before. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SHAPE_SETS, spend } from '../../bench/suites/spend.ts';
import { reportCases } from '../support/cases.ts';
import { DETERMINED, measured, OPEN } from './spend-figures.ts';

test('every figure holds, and those that are determined are exact', async () => {
  const samples = await measured([...Object.keys(DETERMINED), ...OPEN]);
  assert.is(samples.size + SHAPE_SETS.length, spend.variants.length);
  const ofQueries = 2 * samples.size + OPEN.length;
  // Those of the shapes stand after them, and are measured by tests of their own.
  const figures = spend.figures((variant, metric) => samples.get(variant)?.[metric] ?? 0);
  for (const { name, value, atMost = Number.POSITIVE_INFINITY } of figures.slice(0, ofQueries)) {
    assert.ok(value <= atMost, `${name}: ${value}, and at most ${atMost}`);
  }
  // The order in which conditions are written does not matter; how many answers are in when the better order shows, does.
  const [one, other] = ['10 % before 90 %', '90 % before 10 %'].map(
    (name) => samples.get(name)!['calls']!,
  );
  assert.ok(Math.abs(one! - other!) <= 0.02 * one!, `${one} calls and ${other}`);
  reportCases(samples.size, 'queries');
});

test.run();
