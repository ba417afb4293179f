/** Queries whose conditions stand far from their operators have the rows of their plain twins, and ask no more than DuckDB evaluates. */
import { test } from 'uvu';
import { WIDER_SHAPES } from '../../bench/suites/shapes.ts';
import { assertShapes } from './shape-figures.ts';

test('every figure of the wider shapes holds', () => assertShapes(WIDER_SHAPES));

test.run();
