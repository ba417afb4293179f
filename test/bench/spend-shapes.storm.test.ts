/** Every shape of a semantic query asks what it must and no more, has the rows of its plain twin, and does what EXPLAIN says. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { measureShapes, shapeFigures } from '../../bench/suites/measure-shapes.ts';
import { SHAPES } from '../../bench/suites/spend-shapes.ts';
import { reportCases } from '../support/cases.ts';

test('every figure of the shapes holds', async () => {
  const sample = await measureShapes();
  const figures = shapeFigures((metric) => sample[metric]!);
  for (const { name, value, atMost = Number.POSITIVE_INFINITY } of figures) {
    assert.ok(value <= atMost, `${name}: ${value}, and at most ${atMost}`);
  }
  // One number where the count is determined: what EXPLAIN says is least and most is then the same.
  const exact = SHAPES.filter(({ name }) => sample[`${name}: low`] === sample[`${name}: high`]);
  for (const { name } of exact) {
    assert.is(sample[`${name}: calls`], sample[`${name}: expected`], name);
  }
  reportCases(SHAPES.length, `shapes, of which EXPLAIN knows ${exact.length} exactly`);
});

test.run();
