/** Every shape of a semantic query asks what it must and no more, has the rows of its plain twin, and does what EXPLAIN says. */
import { test } from 'uvu';
import { SHAPES } from '../../bench/suites/shapes.ts';
import { assertShapes } from './shape-figures.ts';

test('every figure of the shapes holds', () => assertShapes(SHAPES));

test.run();
