/** What every set of shapes of the suite `spend` is to reach. */
import * as assert from 'uvu/assert';
import { measureShapes, seenShapes, shapeFigures } from '../../bench/suites/measure-shapes.ts';
import type { Shape } from '../../bench/suites/shapes.ts';
import { SHAPE_SETS } from '../../bench/suites/spend.ts';

/** Measures a set of shapes. Returns the number of shapes whose calls EXPLAIN knows exactly. */
export async function assertShapes(shapes: readonly Shape[]): Promise<number> {
  const set = SHAPE_SETS.find((one) => one.shapes === shapes)!;
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
  return exact.length;
}
