/** What every set of shapes of the suite `spend` is to reach. */
import * as assert from 'uvu/assert';
import { measureShapes, seenShapes, shapeFigures } from '../../bench/suites/measure-shapes.ts';
import type { Shape } from '../../bench/suites/shapes.ts';
import { SHAPE_SETS } from '../../bench/suites/spend.ts';
import { deep, mulberry, reportCases, seed } from '../support/cases.ts';

/** The share of the shapes that an ordinary run measures: other ones in each run. */
const QUICK_SHARE = 0.6;

/** Measures a set of shapes, or some of them, and reports how many. */
export async function assertShapes(all: readonly Shape[]): Promise<void> {
  const random = mulberry(seed);
  const shapes = deep ? all : all.filter(() => random() < QUICK_SHARE);
  const set = { ...SHAPE_SETS.find((one) => one.shapes === all)!, shapes };
  const sample = await measureShapes(set);
  const metric = (name: string) => sample[name]!;
  for (const { name, value, atMost = Number.POSITIVE_INFINITY } of shapeFigures(set, metric)) {
    assert.ok(value <= atMost, `${name}: ${value}, and at most ${atMost}`);
  }
  assert.equal(seenShapes(set, metric), [], 'these shapes need their mark `isStopUnseen` no more');
  for (const { name } of shapes) {
    const [calls, least] = [sample[`${name}: calls`]!, sample[`${name}: least`]!];
    assert.ok(calls >= least, `${name}: ${calls} calls, and the least is to be ${least}`);
  }
  // One number where the count is determined: what EXPLAIN says is least and most is then the same.
  const exact = shapes.filter(({ name }) => sample[`${name}: low`] === sample[`${name}: high`]);
  for (const { name } of exact) {
    assert.is(sample[`${name}: calls`], sample[`${name}: expected`], name);
  }
  reportCases(shapes.length, `shapes, of which EXPLAIN knows ${exact.length} exactly`);
}
