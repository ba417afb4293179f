/** Queries whose conditions stand far from their operators have the rows of their plain twins, and ask no more than DuckDB evaluates. */
import { test } from 'uvu';
import { WIDER_SHAPES } from '../../bench/suites/shapes.ts';
import { reportCases } from '../support/cases.ts';
import { assertShapes } from './shape-figures.ts';

test('every figure of the wider shapes holds', async () => {
  const exact = await assertShapes(WIDER_SHAPES);
  reportCases(WIDER_SHAPES.length, `shapes, of which EXPLAIN knows ${exact} exactly`);
});

test.run();
