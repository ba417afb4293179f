/** The suite `spend` runs, and counts what it is to count; all of its queries are among the storms. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Sample } from '../../bench/suite.ts';
import { measured } from './spend-figures.ts';

const main = fileURLToPath(new URL('../../bench/main.js', import.meta.url));

test('some of its queries ask exactly what they must', async () => {
  await measured([
    'a plain condition first',
    'the select list under a LIMIT',
    'MAP over duplicates',
  ]);
});

test('it is a suite of the command', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    main,
    '--sample',
    'spend',
    'CASE',
  ]);
  const sample = JSON.parse(stdout) as Sample;
  assert.is(sample['calls'], 143);
});

test.run();
