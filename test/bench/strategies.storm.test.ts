/** A part of `npm run bench`, from its processes to its table. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { reportCases } from '../support/cases.ts';
import { bench } from './run-bench.ts';

test('a part of it runs as a person would run it', async () => {
  const { code, stdout, stderr } = await bench('--samples', '1', '--filter', 'wave');
  assert.is(code, 0, stderr);
  assert.match(
    stdout,
    /constant: 60 rows, each a model call of 50 ms, n = 10; no way takes less than 300 ms/,
  );
  assert.match(stdout, /\n {2}wave +\d+ .* right\n/);
  assert.match(stderr, /bench: 2 of 6, about \d+ s left: strategies constant: wave 1\/1/);
  reportCases(6, 'samples');
});

test.run();
