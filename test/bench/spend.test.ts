/** The suite `spend` runs, and counts what it is to count; all of its queries are among the storms. */
import { test } from 'uvu';
import { measured } from './spend-figures.ts';

test('some of its queries ask exactly what they must', async () => {
  await measured([
    'a plain condition first',
    'the select list under a LIMIT',
    'MAP over duplicates',
  ]);
});

test.run();
